"""Contract versions: what is in force when, who may approve, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.contracts.errors import (
    BackdatingUndeclared,
    BaseChanged,
    ContractExists,
    ContractNotFound,
    OutsideContractVersion,
    SelfApproval,
    VersionRefused,
    WrongState,
)
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.engine.terms import NoTerms, Terms
from app.partners.operations.create_partner import create_partner
from app.runtime import Context, Runtime
from tests.builders.agreements import agreed, percent, rules, shop
from tests.builders.trail import events

TODAY = datetime(1997, 3, 1, tzinfo=UTC)
MIDNIGHT = datetime(1997, 7, 1, 4, tzinfo=UTC)  # the first instant of 1 July in New York
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def then(ctx: Context) -> Context:
    """1 March 1997, with a program and the contract acme, without terms yet."""
    ctx = ctx.at(TODAY)
    shop(ctx, "acme")
    return ctx


def version_at(ctx: Context, at: datetime, as_of: datetime | None = None) -> int | str:
    found = get_terms(ctx.at(max(as_of or TODAY, ctx.now())), contract="acme", at=at, as_of=as_of).terms
    return found.version.number if isinstance(found, Terms) else found.code


def test_a_version_is_in_force_from_the_first_instant_of_its_local_day(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    agreed(then, "acme", "1997-07-01", rules=rules(percent("8")))

    assert version_at(then, MIDNIGHT - MICROSECOND) == 1
    assert version_at(then, MIDNIGHT) == 2
    assert version_at(then, datetime(1997, 3, 31, 4, 59, 59, tzinfo=UTC)) == "BEFORE_START"


def test_terms_are_those_that_were_known_then(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    later = then.at(TODAY + timedelta(days=10))
    agreed(later, "acme", "1997-07-01", rules=rules(percent("8")))

    assert version_at(then, MIDNIGHT, as_of=later.now()) == 2
    assert version_at(then, MIDNIGHT, as_of=later.now() - MICROSECOND) == 1
    with pytest.raises(ContractNotFound):
        version_at(then, MIDNIGHT, as_of=TODAY - MICROSECOND)


def test_a_draft_is_not_in_force(then: Context) -> None:
    draft_version(then, contract="acme", effective_from="1997-04-01", rules=rules(percent("5")))
    assert version_at(then, MIDNIGHT) == "BEFORE_START"


def test_a_termination_ends_the_terms(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    agreed(then, "acme", "1997-07-01", termination=True)

    assert version_at(then, MIDNIGHT - MICROSECOND) == 1
    assert version_at(then, MIDNIGHT) == "TERMINATED"


def test_a_later_approval_with_the_same_start_retires_the_earlier_one(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    later = then.at(TODAY + timedelta(days=1))
    agreed(later, "acme", "1997-04-01", rules=rules(percent("6")))

    assert version_at(then, MIDNIGHT, as_of=later.now()) == 2
    assert version_at(then, MIDNIGHT, as_of=TODAY) == 1


def test_rules_that_are_not_given_are_those_in_force_at_the_start(then: Context) -> None:
    first = [
        {"effective_from": "1997-04-01", "body": percent("5")},
        {"effective_from": "1997-05-01", "body": percent("6")},
    ]
    agreed(then, "acme", "1997-04-01", rules={**rules(percent("5")), "payout": first})
    agreed(then, "acme", "1997-07-01", rules={"eligibility": {"rules": [], "otherwise": {"reject": "CLOSED"}}})

    found = get_terms(then, contract="acme", at=MIDNIGHT).terms
    assert not isinstance(found, NoTerms)
    assert found.payout_body.otherwise.rate == 6  # type: ignore[union-attr]
    assert found.eligibility_body.otherwise.code == "CLOSED"


@pytest.mark.parametrize("missing", ["eligibility", "attribution", "payout"])
def test_a_first_version_without_one_kind_of_rules_is_refused(then: Context, missing: str) -> None:
    incomplete = {kind: body for kind, body in rules(percent("5")).items() if kind != missing}
    with pytest.raises(VersionRefused) as refused:
        draft_version(then, contract="acme", effective_from="1997-04-01", rules=incomplete)
    assert [(finding.code, finding.pointer) for finding in refused.value.findings] == [("rules_missing", "/rules")]
    assert missing in refused.value.message


def test_the_author_cannot_approve(then: Context) -> None:
    drafted = draft_version(
        then.acting_as("ann"), contract="acme", effective_from="1997-04-01", rules=rules(percent("5"))
    )
    submit_version(then.acting_as("bob"), contract="acme", number=drafted.number)
    for actor in ("ann", "bob"):
        with pytest.raises(SelfApproval, match=actor):
            approve_version(then.acting_as(actor), contract="acme", number=drafted.number)
    assert approve_version(then.acting_as("eve"), contract="acme", number=drafted.number).state == "approved"


def test_the_database_refuses_an_approval_by_the_author_too(then: Context) -> None:
    drafted = draft_version(
        then.acting_as("ann"), contract="acme", effective_from="1997-04-01", rules=rules(percent("5"))
    )
    submit_version(then.acting_as("bob"), contract="acme", number=drafted.number)
    with pytest.raises(IntegrityError, match="ann wrote or submitted it"), then.session.begin_nested():
        then.session.execute(
            text(
                "INSERT INTO approvals (id, contract_version_id, approver, content_hash, approved_at)"
                " SELECT 'a', id, 'ann', content_hash, :now FROM contract_versions WHERE id = :id"
            ),
            {"now": TODAY, "id": drafted.id},
        )


def test_a_second_approval_is_refused(then: Context) -> None:
    version = agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    with pytest.raises(WrongState, match="is approved; only a submitted version"):
        approve_version(then.acting_as("eve"), contract="acme", number=version.number)


def test_a_draft_is_submitted_before_it_is_approved(then: Context) -> None:
    drafted = draft_version(
        then.acting_as("ann"), contract="acme", effective_from="1997-04-01", rules=rules(percent("5"))
    )
    with pytest.raises(WrongState, match="is draft"):
        approve_version(then.acting_as("eve"), contract="acme", number=drafted.number)


def test_an_amendment_that_reaches_back_has_to_say_so(then: Context) -> None:
    agreed(then, "acme", "1997-01-01", rules=rules(percent("5")))
    with pytest.raises(BackdatingUndeclared, match="restate"):
        agreed(then, "acme", "1997-02-01", rules=rules(percent("8")), backdated=None)


def test_a_rule_version_changes_the_payout_inside_its_contract_version(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    rule = draft_rule_version(
        then.acting_as("ann"), contract="acme", number=1, kind="payout", effective_from="1997-07-01", body=percent("8")
    )
    submit_rule_version(then.acting_as("ann"), contract="acme", number=1, kind="payout", rule_number=rule.number)
    with pytest.raises(SelfApproval):
        approve_rule_version(then.acting_as("ann"), contract="acme", number=1, kind="payout", rule_number=2)
    approve_rule_version(then.acting_as("eve"), contract="acme", number=1, kind="payout", rule_number=rule.number)

    before, after = (get_terms(then, contract="acme", at=at).terms for at in (MIDNIGHT - MICROSECOND, MIDNIGHT))
    assert isinstance(before, Terms)
    assert isinstance(after, Terms)
    assert (before.version.number, before.payout.number) == (1, 1)
    assert (after.version.number, after.payout.number) == (1, 2)


@pytest.mark.parametrize(
    ("start", "is_inside"), [("1997-03-31", False), ("1997-04-01", True), ("1997-06-30", True), ("1997-07-01", False)]
)
def test_a_rule_version_outside_its_contract_version_is_refused(then: Context, start: str, is_inside: bool) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    agreed(then, "acme", "1997-07-01", rules=rules(percent("6")))

    def draft() -> object:
        return draft_rule_version(
            then, contract="acme", number=1, kind="payout", effective_from=start, body=percent("8")
        )

    if is_inside:
        draft()
        return
    with pytest.raises(OutsideContractVersion) as refused:
        draft()
    assert [finding.pointer for finding in refused.value.findings] == ["/effective_from"]


def test_every_defect_of_a_draft_is_reported_with_its_pointer(then: Context) -> None:
    broken = {
        "eligibility": {
            "rules": [{"id": "a", "when": {"fact": "order_valu", "op": "gte", "value": "5"}, "then": "accept"}],
            "otherwise": "accept",
        },
        "attribution": {"claims": "maybe"},
        "payout": [
            {
                "effective_from": "1997-04-02",
                "body": {"on": "conversion", "hit": "first", "rules": [], "otherwise": {"flat": 2}},
            }
        ],
    }
    with pytest.raises(VersionRefused) as refused:
        draft_version(then, contract="acme", effective_from="1997-04-01", rules=broken)
    found = {finding.pointer: finding for finding in refused.value.findings}
    assert found["/rules/eligibility/rules/0/when/fact"].hint == "did you mean 'order_value'?"
    assert found["/rules/attribution/claims"].code == "unknown_choice"
    assert found["/rules/payout/0/body/otherwise/flat"].hint == 'write it as a string: "2"'
    assert events(then, action="contract_version.drafted") == []


def test_the_first_rule_version_starts_with_its_contract_version(then: Context) -> None:
    late = {**rules(percent("5")), "payout": [{"effective_from": "1997-04-02", "body": percent("5")}]}
    with pytest.raises(VersionRefused, match="starts with its contract version"):
        draft_version(then, contract="acme", effective_from="1997-04-01", rules=late)


def test_each_change_is_audited_with_who_and_when(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    found = events(then, subject="acme/1")
    assert [(event.action, event.actor) for event in found] == [
        ("contract_version.drafted", "author"),
        ("contract_version.submitted", "author"),
        ("approval.given", "approver"),
        ("contract_version.approved", "approver"),
    ]
    assert {event.at for event in found} == {TODAY}


def test_a_draft_does_not_bring_back_rules_that_were_changed_after_it_was_written(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    draft = draft_version(
        then.acting_as("ann"),
        contract="acme",
        effective_from="1997-08-01",
        rules={"eligibility": {"rules": [], "otherwise": {"reject": "CLOSED"}}},
    )
    submit_version(then.acting_as("ann"), contract="acme", number=draft.number)
    rule = draft_rule_version(
        then.acting_as("ann"), contract="acme", number=1, kind="payout", effective_from="1997-07-01", body=percent("8")
    )
    submit_rule_version(then.acting_as("ann"), contract="acme", number=1, kind="payout", rule_number=rule.number)
    approve_rule_version(then.acting_as("eve"), contract="acme", number=1, kind="payout", rule_number=rule.number)
    with pytest.raises(BaseChanged, match="Draft it again"):
        approve_version(then.acting_as("eve"), contract="acme", number=draft.number)


def test_a_version_is_known_with_its_rules_from_one_and_the_same_instant(runtime: Runtime) -> None:
    """Whatever the system's clock does while it is written."""
    with runtime.work("tester") as ctx:
        shop(ctx, "acme")
        version = agreed(ctx, "acme", "1997-04-01", rules=rules(percent("5")))
        found = get_terms(ctx, contract="acme", at=MIDNIGHT, as_of=version.recorded_at).terms
        assert isinstance(found, Terms)


def test_nothing_is_added_to_a_version_that_was_retired(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    rule = draft_rule_version(
        then.acting_as("ann"), contract="acme", number=1, kind="payout", effective_from="1997-07-01", body=percent("8")
    )
    submit_rule_version(then.acting_as("ann"), contract="acme", number=1, kind="payout", rule_number=rule.number)
    agreed(then.at(TODAY + timedelta(days=1)), "acme", "1997-04-01", rules=rules(percent("6")))
    with pytest.raises(WrongState, match="not in force any more"):
        approve_rule_version(then.acting_as("eve"), contract="acme", number=1, kind="payout", rule_number=rule.number)


def test_a_partner_has_one_contract_in_a_program(then: Context) -> None:
    with pytest.raises(ContractExists, match="have the contract 'acme' already"):
        create_contract(then, id="other", program="shop", partner="acme", direction="receivable")


def test_a_contract_may_pay_in_another_currency_than_its_program(then: Context) -> None:
    create_partner(then, id="globex")
    assert create_contract(then, id="globex", program="shop", partner="globex", currency="KWD").currency == "KWD"


def test_there_is_nothing_to_terminate_before_the_first_terms(then: Context) -> None:
    with pytest.raises(VersionRefused, match="no terms that this could end"):
        draft_version(then, contract="acme", effective_from="1997-04-01", termination=True)


def test_a_draft_does_not_bring_back_rules_of_a_version_that_was_replaced(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    pay_more = {"payout": percent("6")}
    draft_version(then.acting_as("author"), contract="acme", effective_from="1997-07-01", rules=pay_more)
    submit_version(then.acting_as("author"), contract="acme", number=2)
    nobody = {"eligibility": {"rules": [], "otherwise": {"reject": "NO"}}}
    agreed(then, "acme", "1997-05-01", rules=nobody)
    with pytest.raises(BaseChanged, match="took over attribution and eligibility rules"):
        approve_version(then.acting_as("approver"), contract="acme", number=2)


def test_a_draft_on_a_base_of_its_choice_keeps_it(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules=rules(percent("5")))
    agreed(then, "acme", "1997-05-01", rules=rules(percent("6")))
    draft_version(then.acting_as("author"), contract="acme", effective_from="1997-07-01", base=1)
    submit_version(then.acting_as("author"), contract="acme", number=3)
    agreed(then, "acme", "1997-06-01", rules=rules(percent("7")))
    assert approve_version(then.acting_as("approver"), contract="acme", number=3).base_number == 1
