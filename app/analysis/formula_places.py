"""Where formulas stand in a payout: each with its JSON Pointer, those inside others too."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.errors import pointer_of
from app.rulelang.ast import (
    Amount,
    Clamp,
    Fallback,
    Formula,
    Greatest,
    Least,
    Payout,
    PerItem,
    Sum,
    Tiers,
    Verdict,
    fact_of,
)

_WORDS = {Sum: "sum", Least: "least", Greatest: "greatest"}


def formula_places(payout: Payout) -> Iterator[tuple[str, Formula]]:
    """Yield every formula of a payout with the pointer to it."""
    for rule in (*payout.rules, *payout.bonuses):
        yield from _nested(rule.then, rule.pointer + "/then")
    if not isinstance(payout.otherwise, Verdict):
        yield from _nested(payout.otherwise, "/otherwise")
    for limit in payout.limits:
        if isinstance(limit.over, Fallback):
            yield from _nested(limit.over.formula, limit.pointer + "/over/fallback")


def item_tables(formula: PerItem, at: str) -> Iterator[tuple[str, Tiers]]:
    """Yield the tier tables that one item is paid by, each with the pointer to it."""
    yield from ((place, part) for place, part in _nested(formula.then, at) if isinstance(part, Tiers))


def fact_place(formula: Formula, at: str) -> tuple[str, str] | None:
    """Return the fact that a formula calculates with itself and the pointer to its name, or None if it has none."""
    fact = fact_of(formula)
    if fact is None:
        return None
    ends = {Amount: "/amount", Tiers: "/tiers/by/sum", PerItem: "/per_item"}
    return fact, at + ends.get(type(formula), "/of")


def _nested(formula: Formula, at: str) -> Iterator[tuple[str, Formula]]:
    yield at, formula
    match formula:
        case Sum(parts) | Least(parts) | Greatest(parts):
            for index, part in enumerate(parts):
                yield from _nested(part, at + pointer_of(_WORDS[type(formula)], index))
        case Clamp(part):
            yield from _nested(part, at + "/clamp")
