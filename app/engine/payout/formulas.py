"""What a formula is worth for one conversion, exactly. No rounding, no limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from app.core.money import EXACT, ZERO, canonical, minus, percent_of, plus, times, total
from app.engine.counters import Before, counter_of, entered, opening_counter
from app.engine.payout.per_item import fields_missing, paid_per_item
from app.engine.payout.tiers import booked_at, priced, quantity_of, volume
from app.engine.payout.volume_tables import VolumeTable
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
    PerItem,
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
    """Return the facts a formula calculates with that are absent, in order of name; fields of items as "items[2].price"."""
    parts = list(nested_formulas(formula))
    read = {fact_of(part) for part in parts}
    absent = {name for name in read if name is not None and name not in facts}
    fields = {name for part in parts if isinstance(part, PerItem) for name in fields_missing(part, facts)}
    return sorted(absent | fields)


def price(
    formula: Formula,
    facts: Mapping[str, Value],
    before: Before,
    note: Note | None = None,
    tables: Sequence[VolumeTable] = (),
) -> Decimal:
    """Return the precise amount of a formula. Its facts are there, `facts_missing` saw to it.

    `note` is told each calculation in words, innermost first. Of the volume `tables` that book, it is what the
    conversion pays by itself at the step it reaches; of others, all that the window's price grows by.
    """

    def inner(part: Formula) -> Decimal:
        return price(part, facts, before, note, tables)

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
            amount = _tiered(formula, facts, before, tables)
        case PerItem():
            amount = paid_per_item(formula, facts, price, note)
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
        note(_noted(formula, facts, before, amount, tables))
    return amount


def _tiered(tiers: Tiers, facts: Mapping[str, Value], before: Before, tables: Sequence[VolumeTable]) -> Decimal:
    counter, quantity = counter_of(tiers), quantity_of(tiers, facts)
    held = ZERO if counter is None else before[counter]
    table = next((each for each in tables if each.tiers is tiers), None)
    if table is not None:
        is_first = not before[entered(table)]
        return booked_at(tiers, plus(held, quantity), quantity, Decimal(is_first))
    opening = opening_counter(tiers)
    return priced(tiers, held, quantity, is_open=opening is not None and before[opening] > 0)


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
    PerItem: "per_item",
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


def _growth(tiers: Tiers, before: Decimal, quantity: Decimal) -> str:
    """Return the prices between which a window grows: by volume it is the difference that is paid."""
    was, now = volume(tiers, before), volume(tiers, plus(before, quantity))
    return f"{canonical(now)} instead of {canonical(was)}"


def _noted(
    formula: Formula, facts: Mapping[str, Value], before: Before, amount: Decimal, tables: Sequence[VolumeTable]
) -> str:
    """Return a calculation in words, with the values it was made with."""
    if isinstance(formula, Flat):
        return formula_text(formula)
    if isinstance(formula, PerItem):
        return f"{formula_text(formula)} comes to {canonical(amount)}"
    name = fact_of(formula)
    given = "" if name is None else f"{name} is {canonical(_number(facts, name))}"
    if isinstance(formula, Tiers) and (counter := counter_of(formula)) is not None:
        given = f"{given or '1'}, after {canonical(before[counter])} in the {formula.window}"
        if formula.mode == "volume" and before[counter] and all(each.tiers is not formula for each in tables):
            given += f"; all of it is {_growth(formula, before[counter], quantity_of(formula, facts))}"
    return f"{formula_text(formula)}{given and f' ({given})'} comes to {canonical(amount)}"
