"""Decides conversions one by one in canonical order, as settling does, with the reference engine and counters in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from app.bulk.pipeline.world import World
from app.core.period import NO_ANCHOR
from app.engine.counters import Counter, RunningTotals
from app.engine.decision import Decision
from app.engine.evaluate import case_of, evaluate
from app.engine.factsheet import Conversion
from app.engine.reference import ReferenceMatcher
from app.engine.terms import Terms


def online(world: World, conversions: Sequence[Conversion]) -> dict[tuple[str, str | None], Decision]:
    """Return every decision by conversion and partner."""
    return {
        (one.id, partner): decision
        for one, made in each_online(world, conversions)
        for partner, decision in made.items()
    }


def each_online(
    world: World, conversions: Sequence[Conversion]
) -> Iterator[tuple[Conversion, dict[str | None, Decision]]]:
    """Yield conversions in canonical order, each with what is known of its order and its customer, and with its decisions
    by partner."""
    totals = {
        history.contract.id: RunningTotals(history.contract.timezone, history.anchor or NO_ANCHOR, _nothing)
        for history in world.histories.values()
    }
    histories = {history.contract.id: history for history in world.histories.values()}
    orders: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for given in sorted(conversions, key=lambda one: (one.event_at, one.id)):
        one = _known(given, orders, numbers)
        at, customer = one.event_at, one.customer
        model = world.model_at(at)
        case = case_of(one, lambda partner: world.terms_at(partner, at), model, world.currency, world.exchange)  # noqa: B023

        def before(terms: Terms) -> dict[Counter, Decimal]:
            return totals[terms.contract.id].before(terms.counters_since, at, customer)  # noqa: B023

        made = evaluate(case, ReferenceMatcher(), before)
        for partner, decision in made.items():
            terms = case.terms.get(partner) if partner is not None else None
            if isinstance(terms, Terms) and decision.adds:
                history = histories[terms.contract.id]
                totals[terms.contract.id].add(history.counted(terms), at, decision.adds, customer)
        yield one, made


def _known(one: Conversion, orders: dict[str, str], numbers: dict[str, int]) -> Conversion:
    """Return a conversion with what came before it of its order and of its customer."""
    order, customer = one.facts.get("order_id"), one.facts.get("customer_id")
    first = orders.setdefault(str(order), one.id) if order is not None else one.id
    if first != one.id:
        return replace(one, duplicate_of=first)
    if customer is None or any(back.leaves_nothing and back.mode == "restate" for back in one.reversals):
        return one
    numbers[str(customer)] = numbers.get(str(customer), 0) + 1
    return replace(one, customer_order_number=numbers[str(customer)])


def _nothing(counter: Counter, start: datetime, customer: str) -> Decimal:
    return Decimal(0)
