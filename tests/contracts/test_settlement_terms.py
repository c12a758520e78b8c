"""Settlement terms of contract versions: drafted, taken over, taken back, approved with the rest, and told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.contracts.errors import BaseChanged, VersionRefused
from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.diff_version import diff_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.submit_version import submit_version
from app.engine.settlement import NOTHING_AGREED, Lock, Settlement
from app.engine.terms import Terms
from app.runtime import Context
from app.store.models import ContractVersion
from tests.builders.agreements import agreed, percent, rules, shop

TODAY = datetime(1997, 3, 1, 12, tzinfo=UTC)
AGREED: dict[str, Any] = {"hold_days": 30, "lock": {"month_end_days": 10}}


@pytest.fixture
def then(ctx: Context) -> Context:
    """A contract with settlement terms since January 1997."""
    ctx = ctx.at(TODAY)
    shop(ctx, "acme")
    agreed(ctx, "acme", "1997-04-01", rules=rules(percent("5")), settlement=AGREED)
    return ctx


def drafted(ctx: Context, **more: Any) -> ContractVersion:
    return draft_version(ctx.acting_as("ann"), contract="acme", effective_from="1997-05-01", **more)


def in_force(ctx: Context, day: str) -> Settlement:
    found = get_terms(ctx, contract="acme", at=day).terms
    assert isinstance(found, Terms)
    return found.version.settlement


def test_terms_in_force_have_them(then: Context) -> None:
    assert in_force(then, "1997-04-10") == Settlement(hold_days=30, lock=Lock("month_end_days", 10))


def test_an_amendment_takes_them_over_replaces_them_or_takes_them_back(then: Context) -> None:
    agreed(then, "acme", "1997-05-01", rules={"payout": percent("6")})
    agreed(then, "acme", "1997-06-01", settlement={"lock": {"event_days": 45}})
    agreed(then, "acme", "1997-07-01", settlement={})
    assert in_force(then, "1997-05-10") == in_force(then, "1997-04-10")
    assert in_force(then, "1997-06-10") == Settlement(lock=Lock("event_days", 45))
    assert in_force(then, "1997-07-10") == NOTHING_AGREED


def test_an_approval_binds_them_and_a_version_without_them_is_bound_as_before(then: Context) -> None:
    bare = {"settlement": {}}
    hashes = {drafted(then, **given).content_hash for given in (bare, {}, {"settlement": {"hold_days": 29}})}
    assert len(hashes) == 3


def test_reviewers_read_what_changes(then: Context) -> None:
    number = drafted(then, settlement={"lock": {"day_of_month": 15}}).number
    said = [change.says for change in diff_version(then, contract="acme", number=number).attributes]
    assert (
        "settlement: locks on day 15 of the following month instead of held for 30 days; locks 10 days after the end of the "
        "month"
    ) in said


def test_every_mistake_in_them_is_named(then: Context) -> None:
    with pytest.raises(VersionRefused) as refused:
        drafted(then, settlement={"hold_days": 0, "lock": {"month_end_days": 10, "event_days": 1}})
    found = [(finding.code, finding.pointer) for finding in refused.value.findings]
    assert found == [("out_of_range", "/settlement/hold_days"), ("wrong_type", "/settlement/lock")]


def test_a_draft_does_not_bring_back_settlement_terms_that_were_changed_after_it_was_written(then: Context) -> None:
    taken, said = (drafted(then, **given).number for given in ({}, {"settlement": {"hold_days": 7}}))
    ends = draft_version(then.acting_as("ann"), contract="acme", effective_from="1997-06-01", termination=True).number
    agreed(then, "acme", "1997-04-15", settlement={"hold_days": 60})
    for number in (taken, said, ends):
        submit_version(then.acting_as("ann"), contract="acme", number=number)
    with pytest.raises(BaseChanged, match="took over settlement terms"):
        approve_version(then.acting_as("bob"), contract="acme", number=taken)
    approve_version(then.acting_as("bob"), contract="acme", number=said)
    assert in_force(then, "1997-05-10") == Settlement(hold_days=7)
    approve_version(then.acting_as("bob"), contract="acme", number=ends)


def test_a_termination_settles_nothing(then: Context) -> None:
    with pytest.raises(VersionRefused, match="a termination has no settlement"):
        drafted(then, termination=True, settlement=AGREED)
