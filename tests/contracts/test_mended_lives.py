"""Lives that went wrong once: answers of the past that changed, terms that came back unasked, and ends that were lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from app.contracts.describe import version_data
from app.contracts.errors import (
    BackdatingUndeclared,
    BaseChanged,
    OutsideContractVersion,
    Overtaken,
    VersionRefused,
)
from app.contracts.known import known_version
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.edit_version import edit_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.renewals_due import renewals_due
from app.contracts.operations.retire_version import retire_version
from app.contracts.operations.set_approval_policy import set_approval_policy
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.engine.terms import Terms
from app.rulesets.operations.publish_list import publish_list
from app.runtime import Context
from tests.builders.agreements import agreed, percent, rules, shop

TODAY = datetime(2027, 3, 1, tzinfo=UTC)
NOBODY = {"rules": [], "otherwise": {"reject": "CLOSED"}}
WEEK = timedelta(days=7)


@pytest.fixture
def then(ctx: Context) -> Context:
    """1 March 2027, with the contract acme in force since January, paying 5 %."""
    ctx = ctx.at(TODAY)
    shop(ctx, "acme")
    agreed(ctx.at(TODAY - 9 * WEEK), "acme", "2027-01-01", rules=rules(percent("5")))
    return ctx


def submitted(ctx: Context, step: Callable[..., Any] = draft_version, **asked: Any) -> int:
    """Return the number of a version that author drafted and submitted."""
    drafted = step(ctx.acting_as("author"), contract="acme", **asked)
    number = int((drafted[0] if isinstance(drafted, list) else drafted).number)
    submit_version(ctx.acting_as("author"), contract="acme", number=number)
    return number


def approve(ctx: Context, number: int) -> None:
    approve_version(ctx.acting_as("approver"), contract="acme", number=number)


def shown(ctx: Context, number: int, as_of: datetime) -> bytes:
    return orjson.dumps(version_data(known_version(ctx, "acme", number, as_of)), option=orjson.OPT_SORT_KEYS)


def test_a_draft_without_an_end_was_no_bundle_before_an_edit_gave_it_one(then: Context) -> None:
    draft_version(then, contract="acme", effective_from="2027-06-01")
    before = shown(then, 2, TODAY)
    edit_version(then.at(TODAY + WEEK), contract="acme", number=2, effective_from="2027-06-01", ends_on="2028-01-01")
    assert shown(then.at(TODAY + WEEK), 2, TODAY) == before


def test_lists_that_a_draft_took_over_are_still_shown_after_an_edit_has_taken_the_rules_out(then: Context) -> None:
    publish_list(then, id="vips", type="text", members=["u1"])
    is_vip = {"fact": "customer_id", "op": "in", "value": {"list": "vips"}, "if_missing": "no_match"}
    listed = {"rules": [{"id": "vip", "when": is_vip, "then": "accept"}], "otherwise": {"reject": "OTHERS"}}
    agreed(then, "acme", "2027-03-15", rules={"eligibility": listed})
    later = then.at(TODAY + WEEK)
    draft_version(later, contract="acme", effective_from="2027-06-01")
    before = shown(later, 3, later.now())
    assert b'"vips":{' in before
    latest = then.at(TODAY + 2 * WEEK)
    edit_version(latest, contract="acme", number=3, effective_from="2027-06-01", rules={"eligibility": NOBODY})
    assert shown(latest, 3, later.now()) == before


def test_a_renewal_drafted_later_was_not_there_before(then: Context) -> None:
    term = {"mode": "fixed", "months": 12, "notice_days": 60}
    agreed(then, "acme", "2027-03-02", ends_on="2027-04-01", renewal=term)
    draft_renewal(then.at(TODAY + WEEK).acting_as("author"), contract="acme")
    assert [due.draft for due in renewals_due(then.at(TODAY + WEEK), as_of=TODAY)] == [None]
    assert [due.draft for due in renewals_due(then.at(TODAY + WEEK))] == [4]


def test_what_is_meant_prospectively_takes_over_what_is_in_force_when_it_begins_to_govern(then: Context) -> None:
    """It states a start in January, when the contract was still open; it governs from March, when it is closed."""
    agreed(then, "acme", "2027-02-01", rules={"eligibility": NOBODY})
    number = submitted(then, effective_from="2027-01-15", backdated="prospective", rules={"payout": percent("7")})
    approve(then.at(TODAY + WEEK), number)
    terms = get_terms(then.at(TODAY + WEEK), contract="acme").terms
    assert isinstance(terms, Terms)
    assert (terms.version.number, terms.eligibility_body.otherwise.code) == (3, "CLOSED")


def test_a_term_that_is_over_cannot_begin_prospectively_and_end_the_contract_at_once(then: Context) -> None:
    with pytest.raises(VersionRefused, match="not after its start"):
        draft_version(then, contract="acme", effective_from="2027-01-15", ends_on="2027-02-01", backdated="prospective")
    number = submitted(then, effective_from="2027-01-15", ends_on="2027-03-05", backdated="prospective")
    with pytest.raises(BaseChanged, match="would begin only now"):
        approve(then.at(TODAY + WEEK), number)


def test_rules_meant_prospectively_are_not_put_behind_the_end_of_their_version(then: Context) -> None:
    agreed(then, "acme", "2027-02-01", rules=rules(percent("6")))
    rule = {"contract": "acme", "number": 1, "kind": "payout"}
    draft_rule_version(
        then.acting_as("author"), **rule, effective_from="2027-01-15", backdated="prospective", body=percent("7")
    )
    submit_rule_version(then.acting_as("author"), **rule, rule_number=2)
    with pytest.raises(OutsideContractVersion):
        approve_rule_version(then.acting_as("approver"), **rule, rule_number=2)


def test_what_began_before_another_decision_was_recorded_is_refused(then: Context) -> None:
    """Two people decide at once; the one who waits would write into a past that has been read already."""
    number = submitted(then, effective_from="2027-06-01", rules={"payout": percent("7")})
    agreed(then.at(TODAY + timedelta(seconds=1)), "acme", "2027-01-01", rules={"eligibility": NOBODY})
    with pytest.raises(Overtaken, match="while this was on its way"):
        approve(then, number)
    with pytest.raises(Overtaken):
        retire_version(then.acting_as("approver"), contract="acme", number=3, reason="wrong")
    with pytest.raises(BaseChanged):
        approve(then.at(TODAY + WEEK), number)


def test_a_start_that_passes_between_submission_and_approval_needs_the_people_that_the_past_needs(
    then: Context,
) -> None:
    set_approval_policy(then, program="shop", policy={"approvals": 1, "backdated": 2})
    number = submitted(then, effective_from="2027-03-03", backdated="restate", rules={"payout": percent("7")})
    rule = {"contract": "acme", "number": 1, "kind": "payout"}
    draft_rule_version(
        then.acting_as("author"), **rule, effective_from="2027-03-02", backdated="restate", body=percent("9")
    )
    submit_rule_version(then.acting_as("author"), **rule, rule_number=2)
    with pytest.raises(BackdatingUndeclared, match="needs 2 approvals"):
        approve(then.at(TODAY + WEEK), number)
    with pytest.raises(BackdatingUndeclared, match="needs 2 approvals"):
        approve_rule_version(then.at(TODAY + WEEK).acting_as("approver"), **rule, rule_number=2)


def test_a_promotion_cannot_be_edited_to_begin_after_its_end(then: Context) -> None:
    draft_promotion(then, contract="acme", effective_from="2027-04-01", until="2027-05-01")
    for number, start in ((2, "2027-05-01"), (2, "2027-06-01"), (3, "2027-04-01"), (3, "2027-03-15")):
        with pytest.raises(VersionRefused, match="not before its end"):
            edit_version(then, contract="acme", number=number, effective_from=start)
    assert edit_version(then, contract="acme", number=2, effective_from="2027-04-30").state == "draft"


def test_the_end_of_a_term_does_not_take_the_place_of_terms_that_were_approved_meanwhile(then: Context) -> None:
    number = submitted(then, effective_from="2027-04-01", ends_on="2027-06-01")
    agreed(then, "acme", "2027-06-01", rules=rules(percent("8")))
    with pytest.raises(BaseChanged, match="would take its place"):
        approve(then, number)


def test_the_end_of_a_promotion_does_not_take_the_place_of_terms_that_were_approved_meanwhile(then: Context) -> None:
    number = submitted(then, draft_promotion, effective_from="2027-04-01", until="2027-06-01")
    agreed(then, "acme", "2027-06-01", params={}, value="77")
    with pytest.raises(BaseChanged, match="would take its place"):
        approve(then, number)


def test_a_term_is_renewed_whose_last_version_was_drafted_from_a_base_without_an_end(then: Context) -> None:
    agreed(then, "acme", "2027-04-01", ends_on="2027-12-31")
    agreed(then, "acme", "2027-05-01", base=1, rules={"payout": percent("6")})
    renewal = draft_renewal(then, contract="acme", months=2)
    assert (renewal.ends_on.isoformat(), renewal.base_number) == ("2028-02-29", 4)  # type: ignore[union-attr]
