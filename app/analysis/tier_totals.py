"""Tier tables that pay less for more, found by calculating each end of each step. Needs no solver.

Where an event that crosses is paid whole at the step it begins in, a window may be paid less for more though each price
rises: the more there was before it, the lower the step it begins in may pay.

Between two ends the total is a straight line, so it can only fall at an end, or along a step with a negative unit.
Quantities are those a total can have: whole numbers for counts and integers, millionths for decimals, none below zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise

from app.analysis.findings import Analysed, Total, Witness, found
from app.analysis.formula_places import formula_places, item_tables
from app.core.money import EXACT, ZERO, canonical, minus, plus
from app.engine.payout.tiers import graduated, priced
from app.rulelang.ast import Payout, PerItem, Tiers
from app.rulelang.facts import LARGEST, MAX_SCALE, Catalogue, item_catalogue

_MORE = Decimal(100)  # how far into the last step, which has no end, a table is looked at


def falling_totals(payout: Payout, catalogue: Catalogue) -> list[Analysed]:
    """Return each place of each tier table where a larger quantity is paid less."""
    tables = [(at, formula) for at, formula in formula_places(payout) if isinstance(formula, Tiers)]
    found_ones = [analysed for at, tiers in tables for analysed in _of_table(tiers, at + "/tiers", catalogue)]
    return found_ones + [
        analysed
        for at, formula in formula_places(payout)
        if isinstance(formula, PerItem)
        for inner, tiers in item_tables(formula, at + "/then")
        for analysed in _of_table(tiers, inner + "/tiers", item_catalogue(catalogue[formula.items]))
    ]


def _of_table(tiers: Tiers, at: str, catalogue: Catalogue) -> Iterator[Analysed]:
    yield from _falls(tiers, at, catalogue)
    if tiers.crossing == "whole_at_old" and tiers.window != "event" and tiers.by.fact is not None:
        yield from _falls_behind(tiers, at, catalogue)


def total_of(tiers: Tiers, quantity: Decimal) -> Decimal:
    """Return what a table pays for a whole quantity: of a fact in one event, of conversions one after the other."""
    return graduated(tiers, quantity) if _is_one_by_one(tiers) else priced(tiers, ZERO, quantity)


def _is_one_by_one(tiers: Tiers) -> bool:
    return tiers.by.fact is None and tiers.mode == "graduated"


def _falls(tiers: Tiers, at: str, catalogue: Catalogue) -> Iterator[Analysed]:
    told: set[int] = set()
    for (_, low), (step, high) in pairwise(_quantities(tiers, catalogue)):
        less = Total(low, total_of(tiers, low))
        more = Total(high, total_of(tiers, high))
        if more.total < less.total and step not in told:
            told.add(step)
            yield _fall(tiers, f"{at}/steps/{step}", less, more)


def _falls_behind(tiers: Tiers, at: str, catalogue: Catalogue) -> Iterator[Analysed]:
    """Yield each end of a step behind which an event that begins there is paid less than one that begins before it."""
    scale = _scale(tiers, catalogue)
    for place, step in enumerate(tiers.steps[:-1], start=1):
        assert step.up_to is not None
        end = EXACT.multiply(_whole(step.up_to, scale), scale)
        if end != step.up_to or minus(end, scale) < 0:
            continue
        less, more = (_in_two(tiers, first) for first in (minus(end, scale), end))
        if more.total < less.total:
            yield _fall(tiers, f"{at}/steps/{place}", less, more, f", the last {_MORE} of it at once")


def _in_two(tiers: Tiers, first: Decimal) -> Total:
    """Return what is paid for two events: a first one, and one of a fixed size behind it."""
    return Total(plus(first, _MORE), plus(priced(tiers, ZERO, first), priced(tiers, first, _MORE)))


def _quantities(tiers: Tiers, catalogue: Catalogue) -> Iterator[tuple[int, Decimal]]:
    """Yield zero, and the first and the last quantity of each step, with the place of the step, in rising order."""
    scale = _scale(tiers, catalogue)
    most = _most(tiers, scale)
    low, end = ZERO, ZERO
    yield 0, ZERO
    for place, step in enumerate(tiers.steps):
        first = plus(low, scale)
        end = plus(first, _MORE) if step.up_to is None else EXACT.multiply(_whole(step.up_to, scale), scale)
        for quantity in sorted({first, min(end, most)}):
            if first <= quantity <= min(end, most):
                yield place, quantity
        low = max(low, end)


def _scale(tiers: Tiers, catalogue: Catalogue) -> Decimal:
    """Return the least that two quantities can differ by."""
    is_decimal = tiers.by.fact is not None and catalogue[tiers.by.fact].type == "decimal"
    return Decimal(1).scaleb(-MAX_SCALE) if is_decimal else Decimal(1)


def _most(tiers: Tiers, scale: Decimal) -> Decimal:
    """Return the largest quantity there can be: of one event by its fact's type, of a longer window any."""
    if tiers.window != "event":
        return Decimal("Infinity")
    return Decimal(1) if tiers.by.fact is None else minus(EXACT.multiply(Decimal(LARGEST), scale), scale)


def _whole(end: Decimal, scale: Decimal) -> Decimal:
    return EXACT.multiply(end, 1 / scale).to_integral_value(ROUND_FLOOR)


def _fall(tiers: Tiers, at: str, less: Total, more: Total, how: str = "") -> Analysed:
    counted = "conversions" if tiers.by.fact is None else f"of {tiers.by.fact}"
    texts = [canonical(each) for each in (less.quantity, less.total, more.quantity, more.total)]
    says = "{} {counted} are paid {}, and {} are paid {}".format(*texts, counted=counted) + how
    message = f"the total drops: more is paid less. {says[0].upper()}{says[1:]}"
    hints = {"volume": "with mode graduated each slice keeps its own price", "split": "no unit should be negative"}
    hint = hints.get(tiers.mode) or hints.get(
        tiers.crossing, "crossing split cuts what crosses, so that each slice keeps its own price"
    )
    return found("total_drops", at, message, hint, Witness(says, totals=(less, more)))
