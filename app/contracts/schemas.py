"""What the contracts room reads and shows. What it shows is built by `describe.py`; here it is documented."""

from __future__ import annotations

from marshmallow import fields

from app.contracts.attributes import MAX_MONTHS, MAX_NOTICE_DAYS, MODES
from app.contracts.status import CONTRACT_STATUSES, VERSION_STATUSES
from app.engine.settlement import AFTER_LOCK, FX_DATES, MAX_DAYS
from app.rulelang.ast import PLACES
from app.rulesets.schemas import DecisionTable, RuleFinding, RulesCompared
from app.store.models.contracts import STATES, VERSION_KINDS
from app.web.as_of import PageAsOf
from app.web.fields import (
    DecimalString,
    Flag,
    Identifier,
    InstantField,
    LocalDate,
    LocalDateOrInstant,
    Object,
    Reason,
    Text,
    Whole,
    Word,
)
from app.web.schema import Strict

START = "A date means the first instant of that local day in the contract's zone."
AS_OF = "What was known then: only what was approved by this instant. Now, when left out; never a time to come."
PINS = {
    "description": "The named lists it is pinned to, by name, once it is approved.",
    "example": {"vip_codes": {"version": 3, "hash": "9f86d081884c7d65"}},
}
BACKDATED = (
    "Needed when the start lies in the past at approval: `restate` decides again what happened since, `prospective`"
    " leaves that as it is and governs only what happens after the approval."
)
VALUE = "What the contract is expected to be worth in its currency; it may decide how many have to approve."
ENDS_ON = "The local day from which the term is over. Left out, the contract goes on until it is terminated."
DELIVERY = (
    "How impressions are counted, reconciled and paid for: `basis`, `contracted`, `overage_cpm`, `sources`, `deduct`, "
    "`minimum_guarantee`, `flights`."
)
WHY = "Why. It stands in the audit trail."


class NewContract(Strict):
    """A contract to be created. Its terms come in versions."""

    id = Identifier(required=True, metadata={"description": "Chosen by you; never changes."})
    program = Identifier(required=True, metadata={"example": "cdnow", "description": "The program it belongs to."})
    partner = Identifier(required=True, metadata={"description": "The other party."})
    direction = Word(("payable", "receivable"), metadata={"description": "`payable`: we pay. `receivable`: they pay."})
    currency = Text(
        metadata={
            "example": "USD",
            "description": "ISO 4217, what it pays in; the program's when left out. Orders in another one are converted.",
        }
    )
    timezone = Text(metadata={"example": "America/New_York", "description": "IANA zone; the program's when left out."})
    rounding = Word(("half_away", "half_even"), metadata={"description": "How each statement line is rounded, once."})


class ContractShown(Strict):
    """A contract."""

    id = Identifier()
    program = Identifier(metadata={"example": "cdnow"})
    partner = Identifier()
    direction = Word(("payable", "receivable"))
    currency = Text(metadata={"example": "USD"})
    timezone = Text(metadata={"example": "America/New_York"})
    rounding = Word(("half_away", "half_even"))
    created_at = InstantField()
    status = Word(CONTRACT_STATUSES, metadata={"description": "Computed from its versions' dates."})


class Renewal(Strict):
    """What happens when the term ends."""

    mode = Word(
        MODES,
        required=True,
        metadata={
            "description": "`none`: it ends. `fixed`: it ends unless it is renewed, for so many months and with so much"
            " uplift; GET /v1/renewals finds what is due. `evergreen`: it goes on."
        },
    )
    months = Whole(1, MAX_MONTHS, metadata={"description": "How many months the next term has."})
    notice_days = Whole(0, MAX_NOTICE_DAYS, metadata={"description": "How many days before the end one has to act."})
    uplift = DecimalString(
        metadata={"example": "3", "description": "By how many percent prices rise in the next term."}
    )
    counted_from = LocalDate(metadata={"description": "From which day whole terms are counted; ends_on unless given."})


class Lock(Strict):
    """From when on a conversion is final: exactly one of these."""

    month_end_days = Whole(1, MAX_DAYS, metadata={"description": "So many days after the end of its month."})
    day_of_month = Whole(1, 31, metadata={"description": "This day of the following month, or that month's last day."})
    event_days = Whole(0, MAX_DAYS, metadata={"description": "So many days after the event."})


class Fx(Strict):
    """At which rate orders in other currencies are converted into the contract's."""

    date = Word(FX_DATES, required=True, metadata={"description": "Of the event, of the lock, or agreed."})
    rates = Object(metadata={"description": "Agreed rates by currency.", "example": {"EUR": "1.10"}})


class Settlement(Strict):
    """When what is paid may be paid, and when it is final. What is left out does not apply; `{}` takes all of it back."""

    hold_days = Whole(1, MAX_DAYS, metadata={"description": "How many days after the event a conversion is held."})
    lock = fields.Nested(Lock, metadata={"description": "When it is final: only then it is billed."})
    submit_within_days = Whole(
        1, MAX_DAYS, metadata={"description": "How many days after the event a conversion may still be submitted."}
    )
    fx = fields.Nested(Fx, metadata={"description": "How orders in other currencies are converted."})
    after_lock = Word(
        AFTER_LOCK, metadata={"description": "Whether a reversal after the lock gives back room in tiers and limits."}
    )


class Attributed(Strict):
    """What a version says besides its rules."""

    value = DecimalString(metadata={"example": "250000.00", "description": VALUE})
    ends_on = LocalDate(metadata={"description": ENDS_ON})
    renewal = fields.Nested(Renewal, metadata={"description": "Whether and how it goes on when the term ends."})
    settlement = fields.Nested(Settlement, metadata={"description": "When it is paid, and when that is final."})
    delivery = Object(metadata={"description": DELIVERY, "example": {"basis": "delivered"}})
    reason = Reason(metadata={"description": WHY})


class NewVersion(Attributed):
    """A contract version to be drafted: the terms from a start on."""

    effective_from = LocalDateOrInstant(required=True, metadata={"description": START})
    rules = Object(
        metadata={
            "description": "`{kind: body}`, or `{kind: [{effective_from, body}, …]}` for several rule versions of a kind."
            " A kind that is left out is taken over from the version `base`, or from the one in force at the start.",
            "example": {"eligibility": {"rules": [], "otherwise": "accept"}},
        }
    )
    params = Object(
        metadata={
            "description": 'Values of the parameters that its rules name (`{"param": …}`). What is not given is taken '
            "over like rules are.",
            "example": {"minimum": "5.00"},
        }
    )
    termination = Flag(metadata={"description": "True: from the start on there are no terms."})
    base = Whole(1, 999_999_999, metadata={"description": "The version this one starts from."})
    backdated = Word(("restate", "prospective"), metadata={"description": BACKDATED})


class EditedRuleVersion(Strict):
    """What a drafted rule version says from now on."""

    effective_from = LocalDateOrInstant(required=True, metadata={"description": START})
    body = Object(required=True, metadata={"description": "The rule body."})
    backdated = Word(("restate", "prospective"), metadata={"description": BACKDATED})
    reason = Reason(metadata={"description": WHY})


class NewRuleVersion(EditedRuleVersion):
    """A rule version to be drafted inside an approved contract version: a new rate from a date on."""

    kind = Word(
        PLACES,
        required=True,
        metadata={
            "description": "Which kind of rules; `delivery_payout` is the payout on deliveries beside one on conversions."
        },
    )


class NewPromotion(Strict):
    """Terms for a time. What is in force without them comes back at their end."""

    effective_from = LocalDateOrInstant(required=True, metadata={"description": START})
    until = LocalDateOrInstant(required=True, metadata={"description": "Where the former terms come back."})
    rules = Object(metadata={"description": "As in a version: what is left out stays.", "example": {"payout": {}}})
    params = Object(metadata={"description": "Values of parameters, while it lasts.", "example": {"minimum": "5.00"}})
    backdated = Word(("restate", "prospective"), metadata={"description": BACKDATED})
    reason = Reason(metadata={"description": WHY})


class NewRenewal(Strict):
    """The next term of a contract whose term ends. What is left out is as it was agreed."""

    months = Whole(1, MAX_MONTHS, metadata={"description": "How many months it has."})
    uplift = DecimalString(metadata={"example": "3", "description": "By how many percent prices rise."})
    rules = Object(metadata={"description": "Rules that are others than before, raised ones too."})
    params = Object(metadata={"description": "Values of parameters that are others than before."})
    backdated = Word(("restate", "prospective"), metadata={"description": BACKDATED})
    reason = Reason(metadata={"description": WHY})


class NewReinstatement(Attributed):
    """The terms a contract had before they ended, again."""

    effective_from = LocalDateOrInstant(required=True, metadata={"description": START})
    base = Whole(1, 999_999_999, metadata={"description": "The version whose terms come back; the last one's if not."})
    rules = Object(metadata={"description": "As in a version: what is left out is as it was."})
    params = Object(metadata={"description": "Values of parameters that are others than before."})
    backdated = Word(("restate", "prospective"), metadata={"description": BACKDATED})


class Why(Strict):
    """Why something is done."""

    reason = Reason(metadata={"description": WHY})


class Because(Strict):
    """Why something is done that needs a reason."""

    reason = Reason(required=True, metadata={"description": WHY})


class NewPolicy(Strict):
    """How many people have to approve what from now on."""

    policy = Object(
        required=True,
        metadata={
            "description": "`approvals` is the usual number; `backdated`, `loosened_limits` and `value_over` ask for more"
            " where a change reaches back, removes or raises a limit, or the contract is worth more than an amount.",
            "example": {"approvals": 1, "backdated": 2, "value_over": [{"over": "100000.00", "approvals": 2}]},
        },
    )
    reason = Reason(metadata={"description": WHY})


class PolicyShown(Strict):
    """An approval policy."""

    program = Identifier(metadata={"example": "cdnow"})
    number = Whole(1, 999_999_999)
    policy = Object()
    created_by = Text(metadata={"example": "dana"})
    created_at = InstantField()


class ApprovalShown(Strict):
    """One person's yes."""

    approver = Text(metadata={"example": "sam"})
    approved_at = InstantField()
    reason = Text(allow_none=True)
    content_hash = fields.String(metadata={"description": "The hash of what was approved."})


class Approvable(Strict):
    """What contract versions and rule versions have in common."""

    number = Whole(1, 999_999_999)
    state = Word(STATES, metadata={"description": "How far it has come."})
    status = Word(VERSION_STATUSES, metadata={"description": "What it is now, or was: computed from dates, never set."})
    effective_from = InstantField(metadata={"description": "The start it states."})
    in_force_from = InstantField(
        allow_none=True,
        metadata={
            "description": "Where it starts to govern, until the next start: its stated start, or the instant of its"
            " approval when it was back-dated prospectively."
        },
    )
    backdated = Word(("restate", "prospective"), allow_none=True)
    reason = Text(allow_none=True)
    created_by = Text(metadata={"example": "dana", "description": "The name of the key that wrote it."})
    created_at = InstantField()
    submitted_by = Text(allow_none=True, metadata={"example": "dana"})
    submitted_at = InstantField(allow_none=True)
    approvals_needed = Whole(1, 10, allow_none=True, metadata={"description": "By the policy, when it was submitted."})
    approvals_because = fields.List(fields.String(), metadata={"description": "Why it needs more than usual."})
    approvals = fields.List(fields.Nested(ApprovalShown))
    approved_by = Text(allow_none=True, metadata={"example": "sam", "description": "Who gave the last approval."})
    recorded_at = InstantField(allow_none=True, metadata={"description": "When it was approved, and known from."})
    closed_by = Text(allow_none=True, metadata={"description": "Who rejected or withdrew it."})
    closed_at = InstantField(allow_none=True)
    closed_because = Text(allow_none=True)
    retired_at = InstantField(allow_none=True, metadata={"description": "Since when it does not count any more."})
    retired_by = Text(allow_none=True)
    retired_because = Text(allow_none=True)
    replaced_by = Text(allow_none=True, metadata={"description": "What took its place at the same start."})


class RuleVersionShown(Approvable):
    """A rule version."""

    id = fields.String(metadata={"example": "acme/1/payout/1"})
    kind = Word(PLACES)
    hash = fields.String(metadata={"description": "SHA-256 of the canonical body."})
    lists = Object(metadata=PINS)
    body = Object()


class VersionShown(Approvable):
    """A contract version with its rule versions."""

    contract = Identifier()
    kind = Word(VERSION_KINDS)
    bundle = Whole(
        1,
        999_999_999,
        allow_none=True,
        metadata={"description": "The first of the versions that are submitted and approved together with it."},
    )
    termination = Flag()
    base = Whole(1, 999_999_999, allow_none=True)
    revision = Whole(1, 999_999_999, metadata={"description": "How many times its draft was saved."})
    editors = fields.List(fields.String(), metadata={"description": "Who wrote it. None of them can approve it."})
    content_hash = fields.String(metadata={"description": "What an approval binds: everything the version says."})
    value = DecimalString(allow_none=True)
    ends_on = LocalDate(allow_none=True)
    renewal = fields.Nested(Renewal, allow_none=True)
    settlement = fields.Nested(Settlement, allow_none=True)
    delivery = Object(allow_none=True, metadata={"description": "What it says about deliveries."})
    params = Object(metadata={"description": "The values of its rules' parameters."})
    rule_versions = fields.List(fields.Nested(RuleVersionShown))


class PromotionShown(Strict):
    """A promotion and what comes back after it."""

    versions = fields.List(fields.Nested(VersionShown))


class RenewalDueShown(Strict):
    """A term that ends and is not renewed yet."""

    contract = Identifier()
    contract_version = Whole(1, 999_999_999)
    ends_on = LocalDate()
    ends_at = InstantField()
    notice_on = LocalDate(metadata={"description": "From this local day on, something has to be done about it."})
    mode = Word(("none", "fixed"))
    months = Whole(1, MAX_MONTHS, allow_none=True)
    uplift = Text(allow_none=True, metadata={"example": "3"})
    draft = Whole(1, 999_999_999, allow_none=True, metadata={"description": "A renewal that is drafted already."})


class CheckedRuleVersion(Strict):
    """What there is to say of a rule version as it would be approved now."""

    id = fields.String(metadata={"example": "acme/1/payout/1"})
    kind = Word(PLACES)
    ok = Flag(metadata={"description": "Whether it can be submitted. Warnings do not stand against it."})
    findings = fields.List(fields.Nested(RuleFinding))
    in_words = fields.List(fields.String())
    table = fields.Nested(DecisionTable, allow_none=True)
    compared_with = fields.String(
        allow_none=True,
        metadata={"description": "The rule version that is in force at its start, if there is another."},
    )
    compared = fields.Nested(
        RulesCompared,
        allow_none=True,
        metadata={"description": "Whether it decides every conversion as that one does."},
    )


class VersionChecked(Strict):
    """What there is to say of a contract version."""

    contract = Identifier()
    number = Whole(1, 999_999_999)
    ok = Flag(metadata={"description": "Whether all of it can be submitted."})
    rule_versions = fields.List(fields.Nested(CheckedRuleVersion))


class TermsQuery(Strict):
    """Which terms: those in force at an instant, as they were known at another."""

    at = LocalDateOrInstant(
        metadata={"description": "In force at this instant, or at the first of this local day; now, when left out."}
    )
    as_of = LocalDateOrInstant(metadata={"description": AS_OF})


class NoTermsReason(Strict):
    """Why there are no terms."""

    code = Text(metadata={"example": "BEFORE_START"})
    message = Text()


class RuleSpan(Strict):
    """A rule version and how long it is in force."""

    id = fields.String(metadata={"example": "acme/1/payout/1"})
    effective_from = InstantField()
    until = InstantField(allow_none=True, metadata={"description": "Where the next start ends it."})
    hash = fields.String()


class RulesInForce(RuleSpan):
    """A rule version in force, with its body as data and as sentences."""

    number = Whole(1, 999_999_999)
    lists = Object(metadata=PINS)
    in_words = fields.List(fields.String())
    body = Object()


class InForce(Strict):
    """The terms in force."""

    contract_version = Whole(1, 999_999_999)
    effective_from = InstantField()
    until = InstantField(allow_none=True)
    approved_by = Text(allow_none=True, metadata={"example": "sam"})
    recorded_at = InstantField(allow_none=True)
    settlement = fields.Nested(Settlement, allow_none=True)
    settlement_in_words = Text(metadata={"example": "held for 30 days; locks 10 days after the end of the month"})
    params = Object(metadata={"description": "The values of the rules' parameters."})
    rules = fields.Dict(fields.String(), fields.Nested(RulesInForce), metadata={"description": "By kind."})


class TermsShown(Strict):
    """The terms in force at an instant; null, with a reason, when there are none."""

    contract = Identifier()
    at = InstantField()
    as_of = InstantField()
    in_force = fields.Nested(InForce, allow_none=True)
    reason = fields.Nested(NoTermsReason)


class RuleSpanApproved(RuleSpan):
    """A rule version in the timeline, with who approved it when."""

    approved_by = Text(allow_none=True)
    recorded_at = InstantField(allow_none=True)


class VersionSpan(Strict):
    """A contract version and how long it is in force, with who approved it when."""

    contract_version = Whole(1, 999_999_999)
    kind = Word(VERSION_KINDS)
    status = Word(VERSION_STATUSES)
    effective_from = InstantField()
    until = InstantField(allow_none=True)
    termination = Flag()
    stated_from = InstantField(metadata={"description": "The start it states; it governs from effective_from on."})
    reason = Text(allow_none=True)
    approved_by = Text(allow_none=True)
    recorded_at = InstantField(allow_none=True)
    rules = fields.Dict(
        fields.String(), fields.List(fields.Nested(RuleSpanApproved)), metadata={"description": "By kind."}
    )


class Gap(Strict):
    """A time without terms."""

    since = InstantField(data_key="from")
    until = InstantField(allow_none=True)
    code = Text(metadata={"example": "TERMINATED"})
    message = Text()


class TimelineShown(Strict):
    """What was, is and will be in force, as it was known."""

    contract = Identifier()
    as_of = InstantField()
    status = Word(CONTRACT_STATUSES)
    versions = fields.List(fields.Nested(VersionSpan))
    gaps = fields.List(
        fields.Nested(Gap), metadata={"description": "Every time without terms from the first start on."}
    )


class RenewalsQuery(PageAsOf):
    """Which terms."""

    by = InstantField(metadata={"description": "Whose day of notice has come by then; now, when left out."})
