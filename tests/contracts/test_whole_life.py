"""The life of a version: edited, approved by several, rejected, withdrawn, retired; promotions, terms and renewals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.contracts import errors
from app.contracts.known import known_version
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.close_version import (
    reject_rule_version,
    reject_version,
    withdraw_rule_version,
    withdraw_version,
)
from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal, next_end
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.edit_version import edit_rule_version, edit_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.reinstate_contract import reinstate_contract
from app.contracts.operations.renewals_due import renewals_due
from app.contracts.operations.retire_version import retire_rule_version, retire_version
from app.contracts.operations.set_approval_policy import set_approval_policy
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.engine.terms import Terms
from app.runtime import Context
from app.store.models import ContractVersion
from tests.builders.agreements import agreed, percent, rules, shop

TODAY = datetime(1997, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CAP = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "100.00", "over": "partial"}


@pytest.fixture
def then(ctx: Context) -> Context:
    """1 March 1997 at noon UTC, with a contract that pays 5 % since January."""
    ctx = ctx.at(TODAY - 60 * DAY)
    shop(ctx, "acme")
    agreed(ctx, "acme", "1997-01-01", rules=rules(percent("5")))
    return ctx.at(TODAY)


def rate(ctx: Context, at: str, as_of: datetime | None = None) -> str:
    """Return the percentage in force on a day, or why there is none."""
    found = get_terms(ctx, contract="acme", at=at, as_of=as_of).terms
    return str(found.payout_body.otherwise.rate) if isinstance(found, Terms) else found.code  # type: ignore[union-attr]


def drafted(ctx: Context, rate: str = "6", start: str = "1997-04-01", **more: Any) -> ContractVersion:
    body = {"payout": more.pop("payout", percent(rate))}
    return draft_version(ctx.acting_as("ann"), contract="acme", effective_from=start, rules=body, **more)


def submitted(ctx: Context, rate: str = "6", start: str = "1997-04-01", **more: Any) -> ContractVersion:
    return submit_version(ctx.acting_as("ann"), contract="acme", number=drafted(ctx, rate, start, **more).number)


def test_an_edited_draft_says_what_it_says_now_and_its_editor_cannot_approve_it(then: Context) -> None:
    draft = drafted(then)
    edit_version(
        then.acting_as("bob"), contract="acme", number=2, effective_from="1997-05-01", rules={"payout": percent("7")}
    )
    submit_version(then.acting_as("ann"), contract="acme", number=draft.number)
    for actor in ("ann", "bob"):
        with pytest.raises(errors.SelfApproval, match=actor):
            approve_version(then.acting_as(actor), contract="acme", number=2)
    approve_version(then.acting_as("eve"), contract="acme", number=2)
    assert [rate(then, day) for day in ("1997-04-30", "1997-05-01")] == ["5", "7"]


def test_what_an_edited_draft_said_before_can_still_be_read(then: Context) -> None:
    drafted(then)
    later = then.at(TODAY + DAY)
    edit_version(
        later.acting_as("bob"), contract="acme", number=2, effective_from="1997-05-01", rules={"payout": percent("7")}
    )
    before = known_version(later, "acme", 2, TODAY)
    assert (before.content["effective_from"], before.editors, before.revision) == ("1997-04-01T05:00:00Z", ["ann"], 1)
    payouts = [rule["body"] for rule in before.content["rule_versions"] if rule["kind"] == "payout"]
    assert payouts == [percent("6")]
    now = known_version(later, "acme", 2, later.now())
    assert (now.content["effective_from"], now.editors, now.revision) == ("1997-05-01T04:00:00Z", ["ann", "bob"], 2)


def test_only_drafts_are_edited(then: Context) -> None:
    submitted(then)
    with pytest.raises(errors.WrongState, match="is submitted; only a draft version can be edited"):
        edit_version(then, contract="acme", number=2, effective_from="1997-05-01")


def test_an_edit_with_fewer_rule_versions_takes_the_others_away(then: Context) -> None:
    two = [
        {"effective_from": "1997-04-01", "body": percent("6")},
        {"effective_from": "1997-05-01", "body": percent("7")},
    ]
    draft_version(then.acting_as("ann"), contract="acme", effective_from="1997-04-01", rules={"payout": two})
    edited = edit_version(
        then.acting_as("ann"), contract="acme", number=2, effective_from="1997-04-01", rules={"payout": percent("8")}
    )
    assert [(rule.kind, rule.number, rule.body) for rule in edited.rule_versions if rule.kind == "payout"] == [
        ("payout", 1, percent("8"))
    ]


def test_a_rejected_version_stays_rejected_and_says_why(then: Context) -> None:
    submitted(then)
    with pytest.raises(errors.ReasonMissing):
        reject_version(then.acting_as("eve"), contract="acme", number=2)
    version = reject_version(then.acting_as("eve"), contract="acme", number=2, reason="Too much")
    assert (version.state, version.closed_by, version.closed_because) == ("rejected", "eve", "Too much")
    assert {rule.state for rule in version.rule_versions} == {"rejected"}
    with pytest.raises(errors.WrongState, match="is rejected"):
        approve_version(then.acting_as("eve"), contract="acme", number=2)
    assert rate(then, "1997-04-01") == "5"


@pytest.mark.parametrize("make", [drafted, submitted])
def test_what_is_not_approved_can_be_withdrawn(then: Context, make: Any) -> None:
    make(then)
    assert withdraw_version(then.acting_as("ann"), contract="acme", number=2).state == "withdrawn"
    with pytest.raises(errors.WrongState, match="is withdrawn"):
        submit_version(then.acting_as("ann"), contract="acme", number=2)


def test_as_many_people_approve_as_the_policy_asks_for(then: Context) -> None:
    set_approval_policy(then, program="shop", policy={"approvals": 2})
    submitted(then)
    assert approve_version(then.acting_as("eve"), contract="acme", number=2).state == "submitted"
    assert rate(then, "1997-04-01") == "5"
    with pytest.raises(errors.ApprovedAlready, match="eve has approved acme/2 already"):
        approve_version(then.acting_as("eve"), contract="acme", number=2)
    assert approve_version(then.acting_as("fay"), contract="acme", number=2).approved_by == "fay"
    assert rate(then, "1997-04-01") == "6"


POLICY = {
    "approvals": 1,
    "backdated": 2,
    "loosened_limits": 3,
    "value_over": [{"over": "1000.00", "approvals": 2}, {"over": "5000.00", "approvals": 4}],
}


@pytest.mark.parametrize(
    ("given", "needed", "because"),
    [
        ({}, 1, []),
        ({"start": "1997-02-01", "backdated": "restate"}, 2, ["2 approvals: it reaches back into the past"]),
        ({"value": "1000.00"}, 1, []),
        ({"value": "1000.01"}, 2, ["2 approvals: the contract's value 1000.01 is over 1000"]),
        (
            {"value": "5001"},
            4,
            [
                "2 approvals: the contract's value 5001 is over 1000",
                "4 approvals: the contract's value 5001 is over 5000",
            ],
        ),
    ],
)
def test_the_policy_says_how_many_and_why(
    then: Context, given: dict[str, Any], needed: int, because: list[str]
) -> None:
    set_approval_policy(then, program="shop", policy=POLICY)
    version = submitted(then, **given)
    assert (version.approvals_needed, version.approvals_because) == (needed, because)


@pytest.mark.parametrize(
    ("limits", "needed"),
    [
        ([CAP], 1),
        ([{**CAP, "max": "99.00"}], 1),
        ([{**CAP, "max": "100.01"}], 3),
        ([], 3),
    ],
)
def test_a_limit_that_is_removed_or_raised_needs_more_people(then: Context, limits: list[Any], needed: int) -> None:
    agreed(then, "acme", "1997-03-15", rules={"payout": {**percent("5"), "limits": [CAP]}})
    set_approval_policy(then, program="shop", policy=POLICY)
    assert submitted(then, payout={**percent("6"), "limits": limits}).approvals_needed == needed


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"approvals": 0},
        {"approvals": 11},
        {"approvals": True},
        {"approvals": 1, "value_over": [{"over": 5, "approvals": 2}]},
        {"approvals": 1, "value_over": [{"over": "5"}]},
        {"approvals": 1, "votes": 2},
    ],
)
def test_a_policy_that_cannot_be_is_refused(then: Context, policy: dict[str, Any]) -> None:
    with pytest.raises(errors.PolicyRefused):
        set_approval_policy(then, program="shop", policy=policy)


def test_a_promotion_and_its_end_are_approved_together(then: Context) -> None:
    first, second = draft_promotion(
        then.acting_as("ann"),
        contract="acme",
        effective_from="1997-04-01",
        until="1997-04-08",
        rules={"payout": percent("9")},
    )
    assert [(row.kind, row.bundle) for row in (first, second)] == [("promotion", 2), ("restoration", 2)]
    submit_version(then.acting_as("ann"), contract="acme", number=3)
    approve_version(then.acting_as("eve"), contract="acme", number=2)
    days = ("1997-03-31", "1997-04-01", "1997-04-07", "1997-04-08")
    assert [rate(then, day) for day in days] == ["5", "9", "9", "5"]


def test_a_promotion_over_another_start_is_refused_and_one_up_to_it_needs_no_end_of_its_own(then: Context) -> None:
    agreed(then, "acme", "1997-04-05", rules={"payout": percent("6")})
    promotion = {"contract": "acme", "effective_from": "1997-04-01", "rules": {"payout": percent("9")}}
    with pytest.raises(errors.VersionRefused, match="version 2 starts at 1997-04-05T05:00:00Z, inside the promotion"):
        draft_promotion(then.acting_as("ann"), until="1997-04-08", **promotion)
    assert [row.kind for row in draft_promotion(then.acting_as("ann"), until="1997-04-05", **promotion)] == [
        "promotion"
    ]


@pytest.mark.parametrize("until", ["1997-04-01", "1997-03-01", "soon"])
def test_a_promotion_ends_after_it_starts(then: Context, until: str) -> None:
    with pytest.raises(errors.VersionRefused) as refused:
        draft_promotion(then, contract="acme", effective_from="1997-04-01", until=until)
    assert refused.value.findings[0].pointer == "/until"


def with_term(ctx: Context, **more: Any) -> ContractVersion:
    return agreed(ctx, "acme", "1997-04-01", ends_on="1998-04-01", rules={"payout": percent("6")}, **more)


def test_a_fixed_term_ends_by_itself(then: Context) -> None:
    with_term(then)
    assert [rate(then, day) for day in ("1998-03-31", "1998-04-01")] == ["6", "EXPIRED"]


def test_a_term_that_is_due_is_found_by_looking_until_it_is_renewed(then: Context) -> None:
    with_term(then, renewal={"mode": "fixed", "months": 12, "notice_days": 30})

    def due(day: str) -> list[str]:
        return [one.contract.id for one in renewals_due(then, by=datetime.fromisoformat(f"{day}T05:00:00+00:00"))]

    assert [due(day) for day in ("1998-03-01", "1998-03-02", "1998-05-01")] == [[], ["acme"], ["acme"]]
    renewal = draft_renewal(then.acting_as("ann"), contract="acme")
    assert renewals_due(then, by=datetime(1998, 3, 5, tzinfo=UTC))[0].draft == renewal.number
    submit_version(then.acting_as("ann"), contract="acme", number=renewal.number)
    approve_version(then.acting_as("eve"), contract="acme", number=renewal.number)
    assert due("1998-03-05") == []
    assert due("1999-03-02") == ["acme"]  # the next term
    assert [rate(then, day) for day in ("1998-04-01", "1999-03-31", "1999-04-01")] == ["6", "6", "EXPIRED"]


def test_an_amendment_inside_a_term_leaves_its_end(then: Context) -> None:
    with_term(then, renewal={"mode": "fixed", "months": 12, "uplift": "10"})
    agreed(then, "acme", "1997-10-01", rules={"payout": {**percent("7"), "otherwise": {"flat": "2.00"}}})
    found = get_terms(then, contract="acme", at="1998-04-01").terms
    assert not isinstance(found, Terms)
    renewal = draft_renewal(then.acting_as("ann"), contract="acme")
    assert renewal.base_number == 4
    (payout,) = [rule.body for rule in renewal.rule_versions if rule.kind == "payout"]
    assert payout["otherwise"] == {"flat": "2.2"}


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"ends_on": "1997-04-01"}, "/ends_on"),
        ({"ends_on": "next year"}, "/ends_on"),
        ({"renewal": {"mode": "fixed", "months": 12}}, "/ends_on"),
        ({"ends_on": "1998-04-01", "renewal": {"mode": "fixed"}}, "/renewal"),
        ({"ends_on": "1998-04-01", "renewal": {"mode": "yearly"}}, "/renewal/mode"),
        ({"ends_on": "1998-04-01", "renewal": {"mode": "fixed", "months": 0}}, "/renewal/months"),
        ({"ends_on": "1998-04-01", "renewal": {"mode": "none", "uplift": "3"}}, "/renewal/uplift"),
        ({"ends_on": "1998-04-01", "renewal": {"mode": "fixed", "months": 1, "uplift": "-100"}}, "/renewal/uplift"),
        ({"value": "-1"}, "/value"),
        ({"value": 1.5}, "/value"),
        ({"reason": ""}, "/reason"),
    ],
)
def test_attributes_that_cannot_be_are_refused(then: Context, attributes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(errors.VersionRefused) as refused:
        drafted(then, **attributes)
    assert [finding.pointer for finding in refused.value.findings] == [pointer]


def test_the_end_of_a_term_is_changed_with_the_version_whose_term_it_is(then: Context) -> None:
    draft = drafted(then, ends_on="1998-04-01")
    with pytest.raises(errors.PartOfBundle):
        edit_version(then.acting_as("ann"), contract="acme", number=3, effective_from="1998-05-01")
    edit = {"contract": "acme", "number": draft.number, "effective_from": "1997-04-01"}
    edit_version(then.acting_as("ann"), **edit, ends_on="1998-05-01", rules={"payout": percent("6")})
    submit_version(then.acting_as("ann"), contract="acme", number=2)
    approve_version(then.acting_as("eve"), contract="acme", number=2)
    assert [rate(then, day) for day in ("1998-04-30", "1998-05-01")] == ["6", "EXPIRED"]


def test_an_edit_can_give_a_draft_an_end_and_take_it_away(then: Context) -> None:
    drafted(then)
    edit = {"contract": "acme", "number": 2, "effective_from": "1997-04-01", "rules": {"payout": percent("6")}}
    assert edit_version(then.acting_as("ann"), **edit, ends_on="1998-05-01").bundle == 2
    edit_version(then.acting_as("ann"), **edit)
    submit_version(then.acting_as("ann"), contract="acme", number=2)
    approve_version(then.acting_as("eve"), contract="acme", number=2)
    assert rate(then, "1998-05-01") == "6"


@pytest.mark.parametrize(
    ("counted_from", "ends", "months", "then_ends"),
    [
        ("2027-01-31", "2027-01-31", 1, "2027-02-28"),
        ("2027-01-31", "2027-02-28", 1, "2027-03-31"),
        ("2028-02-29", "2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", "2031-02-28", 12, "2032-02-29"),
        ("2027-12-31", "2027-12-31", 2, "2028-02-29"),
        ("2027-12-31", "2028-12-31", 12, "2029-12-31"),
    ],
)
def test_terms_are_counted_in_whole_from_one_day(counted_from: str, ends: str, months: int, then_ends: str) -> None:
    from datetime import date

    found = next_end(date.fromisoformat(counted_from), date.fromisoformat(ends), months)
    assert found.isoformat() == then_ends


def test_nothing_is_renewed_that_does_not_end(then: Context) -> None:
    with pytest.raises(errors.NothingToRenew, match="has no term that ends"):
        draft_renewal(then, contract="acme")
    with_term(then)
    with pytest.raises(errors.NothingToRenew, match="Say for how many `months`"):
        draft_renewal(then, contract="acme")
    assert draft_renewal(then, contract="acme", months=6).ends_on.isoformat() == "1998-10-01"  # type: ignore[union-attr]


def test_a_terminated_contract_is_reinstated_with_the_terms_it_had(then: Context) -> None:
    with pytest.raises(errors.NothingToReinstate):
        reinstate_contract(then, contract="acme", effective_from="1997-05-01")
    agreed(then, "acme", "1997-04-01", termination=True)
    row = reinstate_contract(then.acting_as("ann"), contract="acme", effective_from="1997-05-01")
    submit_version(then.acting_as("ann"), contract="acme", number=row.number)
    approve_version(then.acting_as("eve"), contract="acme", number=row.number)
    assert [rate(then, day) for day in ("1997-03-31", "1997-04-01", "1997-05-01")] == ["5", "TERMINATED", "5"]


def test_a_version_approved_by_mistake_is_retired_and_the_former_one_goes_on(then: Context) -> None:
    version = agreed(then, "acme", "1997-04-01", rules={"payout": percent("50")})
    later = then.at(TODAY + DAY)
    with pytest.raises(errors.ReasonMissing):
        retire_version(later.acting_as("eve"), contract="acme", number=version.number)
    with pytest.raises(errors.SelfApproval, match="author"):
        retire_version(later.acting_as("author"), contract="acme", number=version.number, reason="A typing error")
    retired = retire_version(later.acting_as("eve"), contract="acme", number=version.number, reason="A typing error")
    assert (retired.retired_by, retired.retired_because, retired.replaced_by) == ("eve", "A typing error", None)
    assert rate(later, "1997-04-01") == "5"
    assert rate(later, "1997-04-01", as_of=TODAY) == "50"
    with pytest.raises(errors.WrongState, match="was retired at"):
        retire_version(later.acting_as("eve"), contract="acme", number=version.number, reason="Again")


def test_a_version_that_took_the_place_of_another_is_not_retired(then: Context) -> None:
    agreed(then, "acme", "1997-04-01", rules={"payout": percent("6")})
    agreed(then, "acme", "1997-04-01", rules={"payout": percent("60")})
    with pytest.raises(errors.RetirementRefused, match="took the place of acme/2"):
        retire_version(then.acting_as("eve"), contract="acme", number=3, reason="A typing error")


def test_a_rule_version_is_retired_unless_that_would_leave_a_gap(then: Context) -> None:
    added = draft_rule_version(
        then.acting_as("ann"), contract="acme", number=1, kind="payout", effective_from="1997-04-01", body=percent("6")
    )
    which = {"contract": "acme", "number": 1, "kind": "payout", "rule_number": added.number}
    edit_rule_version(then.acting_as("bob"), **which, effective_from="1997-04-02", body=percent("7"))
    submit_rule_version(then.acting_as("ann"), **which)
    with pytest.raises(errors.SelfApproval, match="bob edited"):
        approve_rule_version(then.acting_as("bob"), **which)
    approve_rule_version(then.acting_as("eve"), **which)
    assert [rate(then, day) for day in ("1997-04-01", "1997-04-02")] == ["5", "7"]
    retire_rule_version(then.acting_as("eve"), **which, reason="A typing error")
    assert rate(then, "1997-04-02") == "5"
    with pytest.raises(errors.RetirementRefused, match="first of its kind"):
        retire_rule_version(then.acting_as("eve"), **{**which, "rule_number": 1}, reason="A typing error")


def test_a_prospective_version_governs_from_its_approval_on(then: Context) -> None:
    version = agreed(then, "acme", "1997-02-01", rules={"payout": percent("6")}, backdated="prospective")
    assert version.in_force_from == TODAY
    instants = (TODAY - timedelta(microseconds=1), TODAY)
    assert [rate(then, at.isoformat()) for at in instants] == ["5", "6"]


@pytest.mark.parametrize("act", [submit_rule_version, withdraw_rule_version, reject_rule_version, edit_rule_version])
def test_rules_that_were_drafted_with_a_version_share_its_life(then: Context, act: Any) -> None:
    drafted(then)
    which = {"contract": "acme", "number": 2, "kind": "payout", "rule_number": 1}
    given = {"effective_from": "1997-04-01", "body": percent("9")} if act is edit_rule_version else {"reason": "No"}
    with pytest.raises(errors.PartOfBundle, match="acme/2/payout/1 is a part of acme/2, which is draft"):
        act(then.acting_as("eve"), **which, **given)
