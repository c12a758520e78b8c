"""Tier tables over windows, held against an oracle: every mode, metric, window, crossing, and every change of terms."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.counters import RunningTotals
from app.engine.decision import Decision
from app.engine.terms import Terms
from tests.builders.random_limits import BEGAN
from tests.builders.random_tiers import STARTS, facts_of, payout_of, sales, tables, worlds
from tests.builders.terms import conversion, decide, history
from tests.independent.tiers import Paid, Sale, Version, World, lines, total_price

D = Decimal
BEGIN = STARTS[0]


def by_product(world: World, given_sales: list[Sale]) -> dict[str, Decision]:
    """Decide sales in canonical order with the running totals that settling keeps."""
    known = history(
        [
            {"effective_from": version.since.isoformat(), "rules": {"payout": payout_of(version)}}
            for version in world.versions
        ]
    )
    totals = RunningTotals(known.contract.timezone, BEGAN, lambda counter, start, customer: D(0))
    found = {}
    for sale in sorted(given_sales, key=lambda one: (one.at, one.id)):
        one = conversion(sale.id, sale.at.isoformat(), **facts_of(sale))
        terms = known.at(one.event_at)
        assert isinstance(terms, Terms)
        decision = decide(terms, one, totals.before(terms.counters_since, one.event_at))
        assert decision.outcome == "rated"
        totals.add(known.counted(terms), one.event_at, decision.adds)
        found[sale.id] = decision
    return found


def seen(decision: Decision) -> list[Paid]:
    return [(line.rule, line.part, Fraction(line.amount_precise)) for line in decision.lines]


@settings(max_examples=200, deadline=None)
@given(worlds(), sales())
def test_every_line_is_that_of_the_oracle(world: World, given_sales: list[Sale]) -> None:
    found = {name: seen(decision) for name, decision in by_product(world, given_sales).items()}
    assert found == lines(given_sales, world)


@settings(max_examples=60, deadline=None)
@given(tables(), st.lists(st.sampled_from(["0", "0.01", "1", "2.5", "5", "7.25", "30"]), min_size=1, max_size=9))
def test_increments_sum_to_the_price_of_the_total(table: dict[str, Any], quantities: list[str]) -> None:
    table = {**table, "window": "contract", "crossing": "split"}
    world = World([Version(BEGIN, {"a": table})], "America/New_York", BEGAN)
    given_sales = [Sale(f"c{number}", BEGIN, ("a",), Fraction(quantity)) for number, quantity in enumerate(quantities)]
    found = by_product(world, given_sales)
    paid = sum((amount for decision in found.values() for _, _, amount in seen(decision)), Fraction(0))
    brought = len(quantities) if "count" in table["by"] else sum(map(Fraction, quantities))
    assert paid == total_price(table, Fraction(brought))
