"""Tier tables: graduated by slices, volume as a whole. A step covers (previous up_to, up_to]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from app.core.money import ZERO, minus, percent_of, plus, times, total
from app.rulelang.ast import Step, Tiers, Value


def priced(tiers: Tiers, before: Decimal, quantity: Decimal, *, is_open: bool = False) -> Decimal:
    """Return what `quantity` more is worth after `before` was already counted in the window. `is_open` says whether
    something was, even of nothing: then the price of zero is paid already.

    Increments telescope: however a total is cut into events, they sum to the price of the total. Only a crossing as a
    whole says otherwise, for the event that crosses.
    """
    after = plus(before, quantity)
    if tiers.mode == "volume":
        return minus(volume(tiers, after), volume(tiers, before) if before or is_open else ZERO)
    if tiers.crossing != "split" and quantity > 0 and before >= 0:
        return _whole(tiers, before, quantity, is_open=is_open)
    return minus(graduated(tiers, after), graduated(tiers, before) if before or is_open else ZERO)


def graduated(tiers: Tiers, quantity: Decimal) -> Decimal:
    """Return the price of a whole quantity: each slice at its own unit, plus the flat of each step entered."""
    if quantity <= 0:
        return _price_of_zero(tiers, quantity)
    slices = (_at(tiers, step, minus(_top(step, quantity), low)) for low, step in _entered(tiers, quantity))
    return plus(total(slices), _flats(tiers, quantity))


def volume(tiers: Tiers, quantity: Decimal) -> Decimal:
    """Return the price of a whole quantity at the one step it reaches, plus that step's flat."""
    return booked_at(tiers, quantity, quantity, Decimal(1))


def booked_at(tiers: Tiers, reached: Decimal, quantity: Decimal, share: Decimal) -> Decimal:
    """Return the price of a quantity at the step that a total reaches, plus a share of that step's flat."""
    if reached <= 0:
        return times(share, _price_of_zero(tiers, reached))
    step = step_reached(tiers, reached)
    return plus(_at(tiers, step, quantity), times(share, step.flat))


def step_reached(tiers: Tiers, quantity: Decimal) -> Step:
    """Return the step that a quantity reaches: at the end of one it is that one still."""
    return next(step for step in tiers.steps if step.up_to is None or quantity <= step.up_to)


def quantity_of(tiers: Tiers, facts: Mapping[str, Value]) -> Decimal:
    """Return what one conversion adds to a table's total: one, or the fact; nothing where that is absent."""
    if tiers.by.fact is None:
        return Decimal(1)
    value = facts.get(tiers.by.fact, 0)
    return value if isinstance(value, Decimal) else Decimal(value)  # type: ignore[arg-type]


def _whole(tiers: Tiers, before: Decimal, quantity: Decimal, *, is_open: bool) -> Decimal:
    """Return the price of an event at one step alone: the one that it begins in, or the one that it reaches. The flats
    are those of the steps that the total enters with it, as ever."""
    after = plus(before, quantity)
    begun = next(step for step in tiers.steps if step.up_to is None or before < step.up_to)
    step = begun if tiers.crossing == "whole_at_old" else step_reached(tiers, after)
    flats = minus(_flats(tiers, after), _flats(tiers, before) if before or is_open else ZERO)
    return plus(_at(tiers, step, quantity), flats)


def _entered(tiers: Tiers, quantity: Decimal) -> Iterator[tuple[Decimal, Step]]:
    """Yield the steps that a quantity enters, each with where it begins."""
    low = ZERO
    for step in tiers.steps:
        yield low, step
        if step.up_to is None or quantity <= step.up_to:
            return
        low = step.up_to


def _flats(tiers: Tiers, quantity: Decimal) -> Decimal:
    if quantity <= 0:
        return _price_of_zero(tiers, quantity)
    return total(step.flat for _, step in _entered(tiers, quantity))


def _top(step: Step, quantity: Decimal) -> Decimal:
    return quantity if step.up_to is None else min(quantity, step.up_to)


def _price_of_zero(tiers: Tiers, quantity: Decimal) -> Decimal:
    """Zero pays nothing, unless the table says that the first flat is due even then."""
    return tiers.steps[0].flat if tiers.flat_at_zero and quantity == 0 else ZERO


def _at(tiers: Tiers, step: Step, quantity: Decimal) -> Decimal:
    return percent_of(step.unit, quantity) if tiers.rate == "percent" else times(step.unit, quantity)
