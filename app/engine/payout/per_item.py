"""A formula for each item of an order that meets its condition. Which item was paid what is told to the notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from app.core.money import canonical, times, total
from app.engine.reference import is_true, items_of
from app.rulelang.ast import PerItem, Record, Value, facts_in

Note = Callable[[str], None]


def fields_missing(formula: PerItem, facts: Mapping[str, Value]) -> Iterator[str]:
    """Yield the fields that are calculated with and that a paying item lacks, as "items[2].price"."""
    wanted = sorted({*facts_in(formula.then), *([formula.times] if formula.times else ())})
    for number, item in enumerate(items_of(facts, formula.items), start=1):
        lacking = [name for name in wanted if name not in item]
        if lacking and is_true(formula.where, item):
            yield from (f"{formula.items}[{number}].{name}" for name in lacking)


def paid_per_item(
    formula: PerItem, facts: Mapping[str, Value], price: Callable[..., Decimal], note: Note | None
) -> Decimal:
    """Return the sum over the paying items."""
    amounts = []
    for number, item in enumerate(items_of(facts, formula.items), start=1):
        if is_true(formula.where, item):
            told = _told(note, f"item {number} of {formula.items}: ")
            amounts.append(_times(formula, item, price(formula.then, item, {}, told), told))
        elif note is not None:
            note(f"item {number} of {formula.items} does not meet the condition")
    return total(amounts)


def _times(formula: PerItem, item: Record, amount: Decimal, note: Note | None) -> Decimal:
    """Return an item's amount as often as it counts."""
    if formula.times is None:
        return amount
    often = Decimal(item[formula.times])  # type: ignore[arg-type]
    counted = times(amount, often)
    if note is not None:
        note(f"{canonical(often)} times (by {formula.times}) comes to {canonical(counted)}")
    return counted


def _told(note: Note | None, prefix: str) -> Note | None:
    """Return the notes of one item."""
    if note is None:
        return None
    told: Any = note
    return lambda words: told(prefix + words)
