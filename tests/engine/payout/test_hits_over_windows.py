"""Several rules with tier tables over a window that are true at once: which one pays, and what the tables of the others
count. By hand, on both engines."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.adapters.durable_matcher import DurableMatcher
from app.engine.counters import RunningTotals
from app.engine.decision import Decision
from app.engine.matcher import Matcher
from app.engine.reference import ReferenceMatcher
from app.engine.terms import Terms
from tests.builders.random_limits import BEGAN
from tests.builders.terms import conversion, decided, terms

# Orders of 100.00 and more: 1.00 for the month's first order, 2.00 for each other. American ones: 0.50 each, and 1.00 for
# all of them from the month's third order on.
TABLES = """
payout:
  hit: %s
  rules:
    - id: large
      when: {fact: order_value, op: gte, value: "100.00"}
      then: {tiers: {mode: graduated, by: {count: true}, window: month, rate: per_unit, steps: [{up_to: "1", unit: "1.00"}, {up_to: null, unit: "2.00"}]}}
    - id: american
      when: {fact: country, op: eq, value: US}
      then: {tiers: {mode: volume, by: {count: true}, window: month, rate: per_unit, steps: [{up_to: "2", unit: "0.50"}, {up_to: null, unit: "1.00"}]}}
  otherwise: {flat: "0"}
"""
Paid = list[tuple[str, str, str]]
Order = tuple[str, str]  # its value and its country
FOUR: list[Order] = [("50.00", "US"), ("100.00", "US"), ("100.00", "CA"), ("20.00", "US")]


@pytest.fixture(params=[ReferenceMatcher, DurableMatcher])
def matcher(request: pytest.FixtureRequest) -> Matcher:
    found: Matcher = request.param()
    return found


def one_by_one(under: Terms, orders: list[Order], matcher: Matcher) -> list[Decision]:
    """Decide orders of one day after the other, with what was counted before each."""
    totals = RunningTotals(under.contract.timezone, BEGAN, lambda counter, start, customer: Decimal(0))
    found = []
    for day, (value, country) in enumerate(orders, start=1):
        order = conversion(f"o{day}", f"1997-07-0{day}T12:00:00-04:00", order_value=value, country=country)
        decision = decided(under, order, matcher, totals.before(under.counters_since, order.event_at))
        totals.add(under.counters_since, order.event_at, decision.adds)
        found.append(decision)
    return found


def lines(decision: Decision) -> Paid:
    return [(line.rule, line.part, str(line.amount)) for line in decision.lines]


def test_two_hits_where_one_is_allowed_are_held_and_count_for_no_table(matcher: Matcher) -> None:
    """The second order is held: the third is the month's second, and only the fourth reaches the step of three."""
    found = one_by_one(terms(TABLES % "unique"), FOUR, matcher)
    assert [decision.outcome for decision in found] == ["rated", "held", "rated", "rated"]
    (reason,) = found[1].reasons
    assert (reason.code, reason.rule) == ("AMBIGUOUS_PAYOUT", "large, american")
    assert (found[1].lines, found[1].adds) == ((), {})
    assert [lines(decision) for decision in found] == [
        [("american", "", "0.50")],
        [],
        [("large", "", "2.00")],
        [("american", "", "1.00"), ("american", "adjustment", "0.50")],
    ]


def test_once_one_rule_is_left_it_is_paid_in_its_place_and_counts(matcher: Matcher) -> None:
    """It was from Canada after all: the month's second order, so the third is the third and reaches the step."""
    corrected = [FOUR[0], ("100.00", "CA"), *FOUR[2:]]
    found = one_by_one(terms(TABLES % "unique"), corrected, matcher)
    assert [lines(decision) for decision in found] == [
        [("american", "", "0.50")],
        [("large", "", "2.00")],
        [("large", "", "2.00"), ("american", "adjustment", "0.50")],
        [("american", "", "1.00")],
    ]


def test_the_first_of_two_hits_pays_and_the_table_of_the_other_counts_it(matcher: Matcher) -> None:
    found = one_by_one(terms(TABLES % "first"), FOUR, matcher)
    assert [lines(decision) for decision in found] == [
        [("american", "", "0.50")],
        [("large", "", "2.00")],
        [("large", "", "2.00"), ("american", "adjustment", "0.50")],
        [("american", "", "1.00")],
    ]


def test_both_of_two_hits_pay_where_they_add_up_and_the_order_is_counted_once(matcher: Matcher) -> None:
    """The second order books 0.50 besides; at the third, both American ones before it come to 1.00."""
    found = one_by_one(terms(TABLES % "sum"), FOUR, matcher)
    assert [lines(decision) for decision in found] == [
        [("american", "", "0.50")],
        [("large", "", "2.00"), ("american", "", "0.50")],
        [("large", "", "2.00"), ("american", "adjustment", "1.00")],
        [("american", "", "1.00")],
    ]
