"""What a change touches is shown before it is approved, and then it touches exactly that."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.billing.describe import impact_data
from app.billing.operations.bill_at_once import bill_at_once
from app.billing.operations.preview_change import preview_rule_version, preview_version
from app.billing.repository import totals
from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.retire_version import retire_version
from app.contracts.operations.submit_version import submit_version
from app.conversions.operations.receive_conversions import receive_conversion
from app.conversions.repository import current_records
from app.runtime import Context
from app.store.models import Decision, StatementLine
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.builders.trail import events

APRIL = datetime(1997, 4, 10, 9, tzinfo=UTC)


@pytest.fixture
def then(ctx: Context) -> Context:
    """10 April 1997: 5 % since January, two orders in March and one in April, March billed."""
    ctx = ctx.at(APRIL)
    shop(ctx, "acme", "zeta")
    agreed(ctx, "acme", "1997-01-01", rules=rules(percent("5")))
    agreed(ctx, "zeta", "1997-01-01", rules=rules(percent("5")))
    receive_conversion(ctx, order("february", "1997-02-20T12:00:00Z", "100.00"))
    receive_conversion(ctx, order("one", "1997-03-02T12:00:00Z", "100.00"))
    receive_conversion(ctx, order("two", "1997-03-03T12:00:00Z", "0.10"))
    receive_conversion(ctx, order("april", "1997-04-02T12:00:00Z", "10.00"))
    receive_conversion(ctx, order("other", "1997-03-02T12:00:00Z", "100.00", partner="zeta"))
    bill_at_once(ctx, contract="acme", period="1997-02", poster="finance")
    bill_at_once(ctx, contract="acme", period="1997-03", poster="finance")
    return ctx


def march(ctx: Context) -> None:
    draft_version(
        ctx.acting_as("ann"),
        contract="acme",
        effective_from="1997-03-01",
        backdated="restate",
        rules={"payout": percent("8")},
    )


def test_a_draft_shows_decisions_money_and_statements_it_touches(then: Context) -> None:
    march(then)
    found = impact_data(preview_version(then, contract="acme", number=2))
    assert {key: found[key] for key in ("change", "decisions_changed", "before", "after", "difference")} == {
        "change": "approve",
        "decisions_changed": 3,
        "before": "5.51",  # 5.00, 0.005 rounded to 0.01, 0.50
        "after": "8.81",  # 8.00, 0.008 rounded to 0.01, 0.80
        "difference": "3.30",
    }
    changed = {one["conversion"]: (one["before"]["amount"], one["after"]["amount"]) for one in found["decisions"]}
    assert changed == {"one": ("5.00", "8.00"), "two": ("0.01", "0.01"), "april": ("0.50", "0.80")}
    assert found["statements"] == [
        {"period": "1997-03", "posted": "5.01", "now": "5.01", "then": "8.01", "difference": "3.00"}
    ]
    assert found["by_rule"] == [{"rule": "otherwise", "before": "5.51", "after": "8.81", "difference": "3.30"}]


def test_looking_changes_nothing(then: Context) -> None:
    march(then)
    before = (
        current_records(then.session, "shop"),
        then.session.query(Decision).count(),
        then.session.query(StatementLine).count(),
        len(events(then)),
    )
    preview_version(then, contract="acme", number=2)
    assert before == (
        current_records(then.session, "shop"),
        then.session.query(Decision).count(),
        then.session.query(StatementLine).count(),
        len(events(then)),
    )
    assert get_terms(then, contract="acme", at="1997-03-02").terms.version.number == 1  # type: ignore[union-attr]
    submit_version(then.acting_as("ann"), contract="acme", number=2)


def test_what_was_shown_is_what_happens(then: Context) -> None:
    march(then)
    foreseen = impact_data(preview_version(then, contract="acme", number=2))
    submit_version(then.acting_as("ann"), contract="acme", number=2)
    assert impact_data(preview_version(then, contract="acme", number=2)) == foreseen
    approve_version(then.acting_as("eve"), contract="acme", number=2)
    bill_at_once(then, contract="acme", period="1997-03", poster="finance")
    (statement,) = totals(then.session, contract="acme", period="1997-03")
    assert str(statement.amount) == "8.01" == foreseen["statements"][0]["then"]
    records = {name: record for name, _, record in current_records(then.session, "shop")}
    for one in foreseen["decisions"]:
        assert records[one["conversion"]]["amount"] == one["after"]["amount"]


def test_retiring_shows_the_way_back(then: Context) -> None:
    march(then)
    submit_version(then.acting_as("ann"), contract="acme", number=2)
    approve_version(then.acting_as("eve"), contract="acme", number=2)
    found = impact_data(preview_version(then, contract="acme", number=2))
    assert (found["change"], found["before"], found["after"]) == ("retire", "8.81", "5.51")
    retire_version(then.acting_as("eve"), contract="acme", number=2, reason="A mistake")
    bill_at_once(then, contract="acme", period="1997-03", poster="finance")
    assert str(totals(then.session, contract="acme", period="1997-03")[0].amount) == "5.01"


def test_a_rule_version_is_priced_too(then: Context) -> None:
    draft_rule_version(
        then.acting_as("ann"),
        contract="acme",
        number=1,
        kind="payout",
        effective_from="1997-03-03",
        body=percent("100"),
        backdated="restate",
    )
    found = impact_data(preview_rule_version(then, contract="acme", number=1, kind="payout", rule_number=2))
    changed = {one["conversion"]: (one["before"]["amount"], one["after"]["amount"]) for one in found["decisions"]}
    assert changed == {"two": ("0.01", "0.10"), "april": ("0.50", "10.00")}
