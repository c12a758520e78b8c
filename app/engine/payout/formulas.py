"""What a formula is worth for one conversion, exactly. No rounding, no limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from app.core.money import EXACT, ZERO, canonical, minus, percent_of, times, total
from app.engine.counters import Before, counter_of
from app.engine.payout.tiers import priced
from app.rulelang.ast import (
    Amount,
    Clamp,
    Cpm,
    Flat,
    Formula,
    Greatest,
    Least,
    Package,
    Percent,
    PerUnit,
    Sum,
    Tiers,
    Value,
    fact_of,
    nested_formulas,
)
from app.rulelang.printer import formula_text

Note = Callable[[str], None]


def facts_missing(formula: Formula, facts: Mapping[str, Value]) -> list[str]:
    """Return the facts a formula calculates with that are absent, in order of name."""
    read = {fact_of(part) for part in nested_formulas(formula)}
    return sorted(name for name in read if name is not None and name not in facts)


def price(formula: Formula, facts: Mapping[str, Value], before: Before, note: Note | None = None) -> Decimal:
    """Return the precise amount of a formula. Its facts are there, `facts_missing` saw to it.

    `note` is told each calculation in words, innermost first.
    """

    def inner(part: Formula) -> Decimal:
        return price(part, facts, before, note)

    amount: Decimal
    match formula:
        case Flat(flat):
            amount = flat
        case Percent(rate, of):
            amount = percent_of(rate, _number(facts, of))
        case PerUnit(unit, of):
            amount = times(unit, _number(facts, of))
        case Cpm(per_thousand, of):
            amount = times(per_thousand, _number(facts, of)).scaleb(-3, EXACT)
        case Amount(fact):
            amount = _number(facts, fact)
        case Package():
            amount = times(_packages(formula, _number(facts, formula.of)), formula.amount)
        case Tiers():
            counter = counter_of(formula)
            quantity = Decimal(1) if formula.by.fact is None else _number(facts, formula.by.fact)
            amount = priced(formula, ZERO if counter is None else before[counter], quantity)
        case Sum(parts):
            amount = total(inner(part) for part in parts)
        case Least(parts):
            amount = min(inner(part) for part in parts)
        case Greatest(parts):
            amount = max(inner(part) for part in parts)
        case Clamp(part, low, high):
            amount = inner(part)
            amount = amount if low is None else max(amount, low)
            amount = amount if high is None else min(amount, high)
    if note is not None:
        note(_noted(formula, facts, before, amount))
    return amount


def word_of(formula: Formula) -> str:
    """Return the word a formula is written with, such as "per_unit"."""
    return _WORDS[type(formula)]


_WORDS: dict[type, str] = {
    Flat: "flat",
    Percent: "percent",
    PerUnit: "per_unit",
    Cpm: "cpm",
    Amount: "amount",
    Package: "package",
    Tiers: "tiers",
    Sum: "sum",
    Least: "least",
    Greatest: "greatest",
    Clamp: "clamp",
}


def _number(facts: Mapping[str, Value], name: str) -> Decimal:
    value = facts[name]
    return value if isinstance(value, Decimal) else Decimal(value)  # type: ignore[arg-type]


def _packages(package: Package, quantity: Decimal) -> Decimal:
    """Return the number of packages begun (or filled) by what is not free."""
    billable = max(minus(quantity, package.free), ZERO)
    whole, rest = divmod_exact(billable, package.size)
    return whole + 1 if rest and package.round == "up" else whole


def divmod_exact(quantity: Decimal, size: Decimal) -> tuple[Decimal, Decimal]:
    """Return how often `size` fits into a quantity that is not negative, and what is left."""
    whole = EXACT.divide_int(quantity, size)
    return whole, minus(quantity, times(whole, size))


def _noted(formula: Formula, facts: Mapping[str, Value], before: Before, amount: Decimal) -> str:
    """Return a calculation in words, with the values it was made with."""
    if isinstance(formula, Flat):
        return formula_text(formula)
    name = fact_of(formula)
    given = "" if name is None else f"{name} is {canonical(_number(facts, name))}"
    if isinstance(formula, Tiers) and (counter := counter_of(formula)) is not None:
        given = f"{given or '1'}, after {canonical(before[counter])} in the {formula.window}"
    return f"{formula_text(formula)}{given and f' ({given})'} comes to {canonical(amount)}"
