"""A run of the pipeline decides what the reference engine decides one by one: every field of every decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.world import World
from app.engine.decision import Decision
from app.engine.factsheet import Conversion
from tests.builders.terms import conversion, history
from tests.bulk.online import online

VERSIONS = """
- effective_from: 1997-01-01
  rules:
    eligibility:
      rules:
        - {id: small, when: {fact: order_value, op: lt, value: "5"}, then: {reject: TOO_SMALL}}
        - {id: ca, when: {fact: country, op: eq, value: CA}, then: {hold: CANADA}}
        - {id: ok, when: {fact: order_value, op: gte, value: "0"}, then: accept}
      otherwise: {reject: NO}
    payout:
      rules: [{id: first, when: {fact: customer_order_number, op: eq, value: 1}, then: {percent: "8", of: order_value}}]
      otherwise: {percent: "2.5", of: order_value}
      limits: [{id: cap, measure: amount, per: contract, window: month, max: "30.00", over: partial}]
- effective_from: 1997-03-10
  rules:
    payout:
      rules: [{id: first, when: {fact: customer_order_number, op: eq, value: 1}, then: {percent: "8", of: order_value}}]
      otherwise:
        tiers: {mode: graduated, by: {sum: order_value}, window: month, rate: percent, steps: [{up_to: "100", unit: "5"}, {up_to: null, unit: "7", flat: "1"}]}
      limits:
        - {id: cap, measure: amount, per: contract, window: month, max: "50.00", over: partial}
        - {id: many, measure: amount, per: contract, window: day, max: "10.00", over: zero}
"""


def test_a_story_of_two_versions_is_decided_alike() -> None:
    world = World("shop", "USD", shipped_catalogue(), {"acme": history(VERSIONS)})
    random = Random(1)
    conversions = [_sale(random, number) for number in range(300)]
    expected = online(world, conversions)
    assert {decision.outcome for decision in expected.values()} == {
        "rated",
        "held",
        "ineligible",
        "unattributed",
        "no_contract",
    }
    assert decided_in_bulk(world, conversions) == expected


def decided_in_bulk(world: World, conversions: list[Conversion]) -> dict[tuple[str, str | None], Decision]:
    """Return the decisions of a run, by conversion and partner."""
    runner = DuckDbRunner()
    try:
        load_conversions(runner, world, conversions)
        return decisions_of(run(world, runner), conversions)
    finally:
        runner.close()


def _sale(random: Random, number: int) -> Conversion:
    at = datetime(1997, 1, 1, tzinfo=UTC) + timedelta(hours=random.randint(-100, 24 * 120))
    facts = {
        "order_id": f"o{random.randint(0, 280)}",
        "customer_id": f"u{random.randint(0, 80)}",
        "order_value": str(Decimal(random.randint(-200, 15000)) / 100),
    }
    if random.random() < 0.1:
        facts["country"] = "CA"
    partner = random.choice(["acme"] * 9 + ["nobody", None])
    return conversion(f"c{number}", at.isoformat(), **facts, partner=partner)


def test_a_fallback_that_lacks_a_fact_holds_whatever_its_formula_makes_of_others() -> None:
    least = {"least": [{"package": {"size": "1", "amount": "2"}, "of": "shipping"}, {"flat": "3"}]}
    none = {
        "id": "none",
        "measure": "amount",
        "per": "contract",
        "window": "event",
        "max": "0",
        "over": {"fallback": least},
    }
    payout = {"otherwise": {"flat": "5"}, "limits": [none]}
    terms = history([{"effective_from": "1990-01-01", "rules": {"payout": payout}}])
    world = World("shop", "USD", shipped_catalogue(), {"acme": terms})
    conversions = [conversion("c1"), conversion("c2", shipping="1")]
    expected = online(world, conversions)
    assert [decision.outcome for decision in expected.values()] == ["held", "rated"]
    assert decided_in_bulk(world, conversions) == expected


@pytest.mark.parametrize(
    ("first", "then", "paid", "before"), [("10", "50", "2.00", "10.00"), ("30", "12", "8.00", "16.00")]
)
def test_a_claim_that_is_not_paid_says_what_was_spent_under_another_maximum(
    first: str, then: str, paid: str, before: str
) -> None:
    """Of 8.00 and 8.00 come 10.00 under a maximum of 10.00, and all under 30.00. A claim that is refused comes after them,
    under a higher or lower maximum."""
    refusing = {
        "rules": [{"id": "de", "when": {"fact": "country", "op": "eq", "value": "DE"}, "then": {"reject": "DE"}}]
    }
    cap = {"id": "cap", "measure": "amount", "per": "contract", "window": "contract", "over": "partial"}
    versions = [
        {
            "effective_from": start,
            "rules": {
                "eligibility": {**refusing, "otherwise": "accept"},
                "payout": {"otherwise": {"amount": "order_value"}, "limits": [{**cap, "max": most}]},
            },
        }
        for start, most in (("1997-01-01", first), ("1997-02-01", then))
    ]
    world = World("shop", "USD", shipped_catalogue(), {"acme": history(versions)})
    conversions = [
        conversion("c1", "1997-01-05T10:00:00Z", order_value="8.00"),
        conversion("c2", "1997-01-06T10:00:00Z", order_value="8.00"),
        conversion("c3", "1997-02-05T10:00:00Z", order_value="8.00", country="DE"),
    ]
    found = decided_in_bulk(world, conversions)
    assert found == online(world, conversions)
    assert found["c2", "acme"].amount == Decimal(paid)
    assert list(found["c3", "acme"].before.values()) == [Decimal(before)]
