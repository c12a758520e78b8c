"""Tier tables: graduated by slices, volume as a whole. A step covers (previous up_to, up_to]."""

from __future__ import annotations

from decimal import Decimal

from app.core.money import ZERO, minus, percent_of, plus, times
from app.rulelang.ast import Step, Tiers


def priced(tiers: Tiers, before: Decimal, quantity: Decimal) -> Decimal:
    """Return what `quantity` more is worth after `before` was already counted in the window.

    Graduated increments telescope: however a total is cut into events, they sum to the price of the total.
    """
    if tiers.mode == "volume":
        return volume(tiers, quantity)
    return minus(graduated(tiers, plus(before, quantity)), graduated(tiers, before) if before else ZERO)


def graduated(tiers: Tiers, quantity: Decimal) -> Decimal:
    """Return the price of a whole quantity: each slice at its own unit, plus the flat of each step entered."""
    if quantity <= 0:
        return _price_of_zero(tiers, quantity)
    amount, low = ZERO, ZERO
    for step in tiers.steps:
        top = quantity if step.up_to is None else min(quantity, step.up_to)
        amount = plus(amount, plus(_at(tiers, step, minus(top, low)), step.flat))
        if top == quantity:
            break
        low = top
    return amount


def volume(tiers: Tiers, quantity: Decimal) -> Decimal:
    """Return the price of a whole quantity at the one step it reaches, plus that step's flat."""
    if quantity <= 0:
        return _price_of_zero(tiers, quantity)
    step = next(step for step in tiers.steps if step.up_to is None or quantity <= step.up_to)
    return plus(_at(tiers, step, quantity), step.flat)


def _price_of_zero(tiers: Tiers, quantity: Decimal) -> Decimal:
    """Zero pays nothing, unless the table says that the first flat is due even then."""
    return tiers.steps[0].flat if tiers.flat_at_zero and quantity == 0 else ZERO


def _at(tiers: Tiers, step: Step, quantity: Decimal) -> Decimal:
    return percent_of(step.unit, quantity) if tiers.rate == "percent" else times(step.unit, quantity)
