"""What a conversion changes on earlier ones: the step of a volume table that it reaches is that of all the window's
quantity. So each table's bookings sum to its price of all that it booked, at the step its window has reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.core.fractions import as_decimal
from app.core.money import ZERO, canonical, minus, plus
from app.engine.counters import Before, booked, counter_of, entered
from app.engine.matcher import Facts
from app.engine.payout.tiers import booked_at, quantity_of
from app.engine.payout.volume_tables import VolumeTable, volume_tables
from app.rulelang.ast import Payout


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a rule's earlier lines change by, all together, and how it was calculated."""

    rule: str
    amount: Decimal
    words: str


def adjustments(body: Payout, facts: Facts, before: Before) -> Iterator[Adjustment]:
    """Yield what a rated conversion changes on earlier lines, table by table, whichever rule pays for it itself."""
    for table in volume_tables(body):
        counter = counter_of(table.tiers)
        assert counter is not None
        held, share = before[booked(table)], before[entered(table)]
        if not share:
            continue
        was = before[counter]
        now = plus(was, quantity_of(table.tiers, facts))
        before_it, after_it = (booked_at(table.tiers, total, held, share) for total in (was, now))
        if after_it != before_it:
            yield Adjustment(table.rule, minus(after_it, before_it), _words(table, was, now, held, before_it, after_it))


def fallen_away(body: Payout, facts: Facts, left: Facts | None, before: Before) -> dict[str, Fraction]:
    """Return, by rule, which part of what a conversion changed on earlier lines falls away when only so much of its facts
    is left in the counters, or nothing: all of it, once the step is not reached any more."""
    was, now = _by_rule(body, facts, before), {} if left is None else _by_rule(body, left, before)
    return {rule: 1 - now.get(rule, Fraction(0)) / amount for rule, amount in was.items() if amount}


def _by_rule(body: Payout, facts: Facts, before: Before) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for each in adjustments(body, facts, before):
        found[each.rule] = found.get(each.rule, Fraction(0)) + Fraction(each.amount)
    return found


def bookings(table: VolumeTable, facts: Facts, before: Before, share: Fraction) -> dict[str, Decimal]:
    """Return what a line of a table's own adds to its bookings, by `Counter.key`: the quantity, and, for the first one,
    the share in which the table's flat is paid."""
    is_first = not before[entered(table)]
    return {
        booked(table).key: as_decimal(Fraction(quantity_of(table.tiers, facts)) * share),
        entered(table).key: as_decimal(share) if is_first else ZERO,
    }


def _words(table: VolumeTable, was: Decimal, now: Decimal, held: Decimal, before_it: Decimal, after_it: Decimal) -> str:
    of = "conversions" if table.tiers.by.fact is None else f"of {table.tiers.by.fact}"
    window = table.tiers.window.replace("_", " ")
    return (
        f"from {canonical(was)} to {canonical(now)} in the {window} another step is reached: the earlier "
        f"{canonical(held)} {of} paid by {table.rule} come to {canonical(after_it)} instead of {canonical(before_it)}"
    )
