"""What the contracts room reads and shows. What it shows is built by `describe.py`; here it is documented."""

from __future__ import annotations

from marshmallow import fields

from app.rulelang.ast import KINDS
from app.rulesets.schemas import DecisionTable, RuleFinding, RulesCompared
from app.store.models.contracts import STATES
from app.web.fields import Flag, Identifier, InstantField, LocalDateOrInstant, Object, Text, Whole, Word
from app.web.schema import Strict

START = "A date means the first instant of that local day in the contract's zone."
AS_OF = "What was known then: only what was approved by this instant. Now, when left out; never a time to come."
PINS = {
    "description": "The named lists it is pinned to, by name, once it is approved.",
    "example": {"vip_codes": {"version": 3, "hash": "9f86d081884c7d65"}},
}
BACKDATED = "Needed when the start lies in the past at approval: `restate` decides again what happened since."


class NewContract(Strict):
    """A contract to be created. Its terms come in versions."""

    id = Identifier(required=True, metadata={"description": "Chosen by you; never changes."})
    program = Identifier(required=True, metadata={"example": "cdnow", "description": "The program it belongs to."})
    partner = Identifier(required=True, metadata={"description": "The other party."})
    direction = Word(("payable", "receivable"), metadata={"description": "`payable`: we pay. `receivable`: they pay."})
    currency = Text(metadata={"example": "USD", "description": "ISO 4217; the program's when left out."})
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


class NewVersion(Strict):
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


class NewRuleVersion(Strict):
    """A rule version to be drafted inside an approved contract version: a new rate from a date on."""

    kind = Word(KINDS, required=True, metadata={"description": "Which of the three kinds of rules."})
    effective_from = LocalDateOrInstant(required=True, metadata={"description": START})
    body = Object(required=True, metadata={"description": "The rule body."})
    backdated = Word(("restate", "prospective"), metadata={"description": BACKDATED})


class Approvable(Strict):
    """What contract versions and rule versions have in common."""

    number = Whole(1, 999_999_999)
    state = Word(STATES)
    effective_from = InstantField(metadata={"description": "In force from this instant on, until the next start."})
    backdated = Word(("restate", "prospective"), allow_none=True)
    created_by = Text(metadata={"example": "dana", "description": "The name of the key that wrote it."})
    created_at = InstantField()
    submitted_by = Text(allow_none=True, metadata={"example": "dana"})
    submitted_at = InstantField(allow_none=True)
    approved_by = Text(allow_none=True, metadata={"example": "sam"})
    recorded_at = InstantField(allow_none=True, metadata={"description": "When it was approved, and known from."})
    retired_at = InstantField(allow_none=True, metadata={"description": "When a later approval took its place."})


class RuleVersionShown(Approvable):
    """A rule version."""

    id = fields.String(metadata={"example": "acme/1/payout/1"})
    kind = Word(KINDS)
    hash = fields.String(metadata={"description": "SHA-256 of the canonical body."})
    lists = Object(metadata=PINS)
    body = Object()


class VersionShown(Approvable):
    """A contract version with its rule versions."""

    contract = Identifier()
    termination = Flag()
    base = Whole(1, 999_999_999, allow_none=True)
    content_hash = fields.String(metadata={"description": "What an approval binds: everything the version says."})
    params = Object(metadata={"description": "The values of its rules' parameters."})
    rule_versions = fields.List(fields.Nested(RuleVersionShown))


class CheckedRuleVersion(Strict):
    """What there is to say of a rule version as it would be approved now."""

    id = fields.String(metadata={"example": "acme/1/payout/1"})
    kind = Word(KINDS)
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


class TimelineQuery(Strict):
    """As of when."""

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
    params = Object(metadata={"description": "The values of the rules' parameters."})
    rules = fields.Dict(fields.String(), fields.Nested(RulesInForce), metadata={"description": "By kind."})


class TermsShown(Strict):
    """The terms in force at an instant; null, with a reason, when there are none."""

    contract = Identifier()
    at = InstantField()
    as_of = InstantField()
    in_force = fields.Nested(InForce, allow_none=True)
    reason = fields.Nested(NoTermsReason)


class VersionSpan(Strict):
    """A contract version and how long it is in force."""

    contract_version = Whole(1, 999_999_999)
    effective_from = InstantField()
    until = InstantField(allow_none=True)
    termination = Flag()
    rules = fields.Dict(fields.String(), fields.List(fields.Nested(RuleSpan)), metadata={"description": "By kind."})


class TimelineShown(Strict):
    """What was, is and will be in force, as it was known."""

    contract = Identifier()
    as_of = InstantField()
    versions = fields.List(fields.Nested(VersionSpan))
