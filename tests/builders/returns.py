"""Draws what comes back of conversions, before their lock and after it, and what contracts agree about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from app.bulk.pipeline.world import World
from app.engine.factsheet import Conversion
from app.engine.reversals import ITEMS, VALUE, Mode, Returned, Reversal, decided_facts, is_undone, left_of
from app.engine.settlement import Lock, Settlement
from app.engine.terms import TermsHistory


def releasing(random: Random, world: World, often: float) -> World:
    """Return a world of which versions give counters back what comes back after the lock, so often."""
    histories = {}
    for partner, history in world.histories.items():
        versions = []
        for version in (span.version for span in history.spans):
            after = "release" if random.random() < often else "keep"
            settlement = Settlement(lock=Lock("month_end_days", 10), after_lock=after)  # type: ignore[arg-type]
            versions.append(replace(version, settlement=settlement))
        histories[partner] = TermsHistory(history.contract, versions, history.as_of)
    return replace(world, histories=histories)


def returned(random: Random, conversions: Iterable[Conversion], often: float = 0.4) -> list[Conversion]:
    """Return conversions of which so often something came back, with what is left of their facts."""
    return [_returned(random, one) if random.random() < often else one for one in conversions]


def _returned(random: Random, one: Conversion) -> Conversion:
    back = tuple(_reversals(random, one))
    left = one.facts if is_undone(back) else decided_facts(one.facts, back)
    return replace(one, facts=left, reversals=back)


def _reversals(random: Random, one: Conversion) -> Iterator[Reversal]:
    modes: list[Mode] = [random.choice(("restate", "negate", "negate")) for _ in range(random.choice((1, 1, 2, 3)))]
    if random.random() < 0.9:
        modes.sort(reverse=True)
    found: list[Reversal] = []
    for number, mode in enumerate(modes):
        if found and found[-1].leaves_nothing:
            return
        left = left_of(one.facts, found).get(VALUE)
        value = max(left, Decimal(0)) if isinstance(left, Decimal) else Decimal(0)
        if value and random.random() < 0.7:
            part = random.choice((Decimal("0.01"), value / 3, value / 2, value / 7, value))
            value = min(value, max(part.quantize(Decimal("0.000001")), Decimal("0.000001")))
        is_all = value == (left or 0) or not isinstance(left, Decimal) or left <= 0
        at = one.event_at + timedelta(days=number + 1)
        found.append(Reversal(f"r{number}", at, mode, value, is_all, _items(random, one)))
        yield found[-1]


def _items(random: Random, one: Conversion) -> tuple[Returned, ...]:
    records = one.facts.get(ITEMS)
    if not isinstance(records, tuple) or not records or random.random() < 0.5:
        return ()
    return tuple(Returned(record["sku"], 1) for record in records if record["quantity"] > 0 and random.random() < 0.5)
