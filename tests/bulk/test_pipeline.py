"""A run of the pipeline decides what the reference engine decides one by one: every field of every decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.world import World
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


def decided_in_bulk(world: World, conversions: list[Conversion]) -> object:
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
