"""Nobody gets terms in force alone, or with fewer people than the policy asks for, by a way around."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.contracts import errors
from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.close_version import reject_rule_version, withdraw_rule_version
from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.edit_version import edit_rule_version
from app.contracts.operations.renewals_due import renewals_due
from app.contracts.operations.retire_version import retire_version
from app.contracts.operations.set_approval_policy import set_approval_policy
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.runtime import Context
from tests.builders.agreements import percent
from tests.contracts.test_whole_life import CAP, drafted, rate, submitted, then

__all__ = ["then"]


def approved(ctx: Context, number: int) -> None:
    approve_version(ctx.acting_as("eve"), contract="acme", number=number)


def test_rules_of_a_drafted_version_are_edited_with_it(then: Context) -> None:
    drafted(then)
    with pytest.raises(errors.PartOfBundle):
        edit_rule_version(
            then.acting_as("eve"),
            contract="acme",
            number=2,
            kind="payout",
            rule_number=1,
            effective_from="1997-04-01",
            body=percent("90"),
        )

    submit_version(then.acting_as("ann"), contract="acme", number=2)
    approved(then, 2)
    assert rate(then, "1997-04-01") == "6"


def test_rules_of_a_drafted_version_are_not_submitted_alone(then: Context) -> None:
    drafted(then)
    with pytest.raises(errors.PartOfBundle):
        submit_rule_version(then.acting_as("ann"), contract="acme", number=2, kind="payout", rule_number=1)


@pytest.mark.parametrize("close", [withdraw_rule_version, reject_rule_version])
def test_rules_of_a_submitted_version_are_not_closed_alone(then: Context, close: Any) -> None:
    submitted(then)
    with pytest.raises(errors.PartOfBundle):
        close(then.acting_as("eve"), contract="acme", number=2, kind="payout", rule_number=1, reason="no")


def test_a_limit_removed_by_going_back_to_a_base_without_it_is_loosened(then: Context) -> None:
    set_approval_policy(then, program="shop", policy={"approvals": 1, "loosened_limits": 3})
    submitted(then, payout={**percent("5"), "limits": [CAP]})
    approved(then, 2)
    draft_version(then.acting_as("ann"), contract="acme", effective_from="1997-05-01", base=1)
    assert submit_version(then.acting_as("ann"), contract="acme", number=3).approvals_needed == 3


def test_a_value_that_is_lowered_by_the_draft_counts_as_it_was(then: Context) -> None:
    set_approval_policy(then, program="shop", policy={"approvals": 1, "value_over": [{"over": "1000", "approvals": 3}]})
    submitted(then, value="5000.00")
    for actor in ("eve", "bob", "dan"):
        approve_version(then.acting_as(actor), contract="acme", number=2)
    assert submitted(then, "90", "1997-05-01", value="1.00").approvals_needed == 3


def test_a_termination_needs_the_people_that_the_value_needs(then: Context) -> None:
    set_approval_policy(then, program="shop", policy={"approvals": 1, "value_over": [{"over": "1000", "approvals": 3}]})
    submitted(then, value="5000.00")
    for actor in ("eve", "bob", "dan"):
        approve_version(then.acting_as(actor), contract="acme", number=2)
    draft_version(then.acting_as("ann"), contract="acme", effective_from="1997-05-01", termination=True)
    assert submit_version(then.acting_as("ann"), contract="acme", number=3).approvals_needed == 3


def test_the_past_of_a_contract_whose_versions_were_all_retired_is_still_its_past(then: Context) -> None:
    set_approval_policy(then, program="shop", policy={"approvals": 1, "backdated": 2})
    retire_version(then.acting_as("eve"), contract="acme", number=1, reason="a mistake")
    draft = draft_version(
        then.acting_as("ann"),
        contract="acme",
        effective_from="1997-01-01",
        base=1,
        rules={"payout": percent("90")},
        backdated="restate",
    )
    assert submit_version(then.acting_as("ann"), contract="acme", number=draft.number).approvals_needed == 2


def test_a_promotion_is_not_retired_from_under_an_amendment_that_took_it_over(then: Context) -> None:
    draft_promotion(
        then.acting_as("ann"),
        contract="acme",
        effective_from="1997-04-01",
        until="1997-06-01",
        rules={"payout": percent("20")},
    )
    submit_version(then.acting_as("ann"), contract="acme", number=2)
    approved(then, 2)
    draft_version(then.acting_as("ann"), contract="acme", effective_from="1997-05-01", value="7.00")
    submit_version(then.acting_as("ann"), contract="acme", number=4)
    approved(then, 4)
    assert rate(then, "1997-07-01") == "5"
    with pytest.raises(errors.RetirementRefused):
        retire_version(then.acting_as("eve"), contract="acme", number=2, reason="a mistake")


def test_the_version_that_ends_a_promotion_is_not_retired_before_it(then: Context) -> None:
    submitted(then, "6", "1997-06-01")
    approved(then, 2)
    draft_promotion(
        then.acting_as("ann"),
        contract="acme",
        effective_from="1997-04-01",
        until="1997-06-01",
        rules={"payout": percent("20")},
    )
    submit_version(then.acting_as("ann"), contract="acme", number=3)
    approved(then, 3)
    with pytest.raises(errors.RetirementRefused):
        retire_version(then.acting_as("eve"), contract="acme", number=2, reason="a mistake")


def test_the_end_of_a_term_is_not_retired_with_an_amendment_that_others_follow(then: Context) -> None:
    submitted(then, "6", "1997-04-01", ends_on="1998-01-01")
    approved(then, 2)
    submitted(then, "7", "1997-05-01")
    approved(then, 4)
    assert rate(then, "1998-02-01") == "EXPIRED"
    with pytest.raises(errors.RetirementRefused):
        retire_version(then.acting_as("eve"), contract="acme", number=2, reason="a mistake")


def test_a_term_that_was_shortened_is_due_at_its_new_end(then: Context) -> None:
    submitted(then, "6", "1997-04-01", ends_on="1998-01-01", renewal={"mode": "fixed", "months": 12})
    approved(then, 2)
    submitted(then, "7", "1997-05-01", ends_on="1997-10-01")
    approved(then, 4)
    assert rate(then, "1997-10-01") == "EXPIRED"
    due = renewals_due(then, by=datetime(1999, 1, 1, tzinfo=UTC))
    assert [one.ends_on.isoformat() for one in due] == ["1997-10-01"]
    renewal = draft_renewal(then.acting_as("ann"), contract="acme", months=3)
    assert renewal.effective_from == datetime(1997, 10, 1, 4, tzinfo=UTC)


def test_the_second_of_two_renewals_does_not_end_with_the_first(then: Context) -> None:
    submitted(then, "6", "1997-04-01", ends_on="1998-01-01")
    approved(then, 2)
    for months in (6, 12):
        draft_renewal(then.acting_as("ann"), contract="acme", months=months)
    for number in (4, 6):
        submit_version(then.acting_as("ann"), contract="acme", number=number)
    approved(then, 4)
    with pytest.raises(errors.BaseChanged):
        approved(then, 6)
