"""The nearest miss: the fewest comparisons that would have had to turn out otherwise for a condition to be true.

Each comparison is taken by itself. That two of them read one fact, and so cannot both turn out otherwise, is not weighed:
that is the solver's business, and people asking "why not" want to see what was compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.core.durations import length_micros
from app.engine.matcher import Facts
from app.engine.reference import is_true, items_of
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not
from app.rulelang.printer import denial, expectation, items_text, value_words


@dataclass(frozen=True, slots=True)
class Miss:
    """A comparison that should have been `wanted` and was not; for one of an item, the list and the item's number from
    1. A condition on items stands for itself where the list is absent, or where no item could make the difference."""

    on: Leaf | Items
    wanted: bool
    facts: Facts
    in_list: str = ""
    item: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as data: which item of which list, the fact, what was expected of it and what was there."""
        where = {"list": self.in_list, "item": self.item} if self.in_list else {}
        return {**where, "fact": self.on.fact, "expected": self.expected, "actual": self.actual}

    @property
    def expected(self) -> str:
        """What would have been needed."""
        if isinstance(self.on, Items):
            return items_text(self.on) if self.wanted else f"not ({items_text(self.on)})"
        return expectation(self.on, self.facts) if self.wanted else denial(self.on, self.facts)

    @property
    def actual(self) -> str:
        """What was there."""
        return (
            items_words(self.on, self.facts)
            if isinstance(self.on, Items)
            else value_words(self.facts.get(self.on.fact))
        )

    @property
    def in_words(self) -> str:
        """Both as a clause: "item 2 of items: price ≥ 5.00; was 4.99"."""
        where = f"item {self.item} of {self.in_list}: " if self.in_list else ""
        return f"{where}{self.on.fact} {self.expected}; was {self.actual}"


def items_words(items: Items, facts: Facts) -> str:
    """Return what was there of a list of records, short: its items are shown by themselves."""
    if facts.get(items.fact) is None:
        return "absent"
    count = len(items_of(facts, items.fact))
    return "empty" if count == 0 else f"{count} item{'s' * (count > 1)}"


def nearest_miss(condition: Condition, facts: Facts, *, wanted: bool = True) -> tuple[Miss, ...] | None:
    """Return the fewest misses that keep a condition from being `wanted`, in reading order: none if it is so, and None
    if no comparison could make it so (`not` of `always`).

    Of alternatives with as many misses the one that is nearest by value counts, and then the first.
    """
    if is_true(condition, facts) is wanted:
        return ()
    match condition:
        case Leaf():
            is_fixed = condition.op == "exists" and condition.matches_missing  # true of everything
            return None if is_fixed else (Miss(condition, wanted, facts),)
        case Not(part):
            return nearest_miss(part, facts, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            found = [nearest_miss(part, facts, wanted=wanted) for part in parts]
            return _together(found) if isinstance(condition, AllOf) is wanted else _nearest(found)
        case Items():
            return _among_items(condition, facts, wanted)
        case Always():
            return None


Found = tuple[Miss, ...] | None


def _together(found: Iterable[Found]) -> Found:
    """Return what all parts lack, or None if one of them can never be had."""
    together: list[Miss] = []
    for misses in found:
        if misses is None:
            return None
        together += misses
    return tuple(together)


def _nearest(found: Iterable[Found]) -> Found:
    """Return what the nearest of the parts lacks, or None if none can ever be had."""
    possible = [misses for misses in found if misses is not None]
    return min(possible, key=lambda misses: (len(misses), sum(map(_distance, misses))), default=None)


def _among_items(condition: Items, facts: Facts, wanted: bool) -> Found:
    """Return what the items lack: one of them, where one is enough, else each that is not as it should be."""
    items = items_of(facts, condition.fact)
    # An item should meet `where` for any and for every item, and should not for no item; all the other way round.
    should = (condition.quantifier != "no_item") is wanted
    one_is_enough = (condition.quantifier == "any_item") is wanted
    each = [
        _numbered(nearest_miss(condition.where, item, wanted=should), condition.fact, number)
        for number, item in enumerate(items, start=1)
    ]
    found = _nearest(each) if one_is_enough else _together(each)
    # Without items there is nothing that one of them lacks; an absent list is never asked for its items.
    return found or (Miss(condition, wanted, facts),)


def _numbered(found: Found, name: str, number: int) -> Found:
    return None if found is None else tuple(replace(miss, in_list=name, item=number) for miss in found)


# --------------------------------------------------------------- how far off

_FAR = Fraction(1)
_YEAR = timedelta(days=365)
_ORDERED = ("eq", "lt", "lte", "gt", "gte", "between", "in")


def _distance(miss: Miss) -> Fraction:
    """Return how far off a value is, from 0 to 1: numbers and durations by the share they lack, dates by the part of a
    year. What has no order, and what is absent, is as far as can be."""
    if isinstance(miss.on, Items) or miss.on.op not in _ORDERED:
        return _FAR
    actual, other = miss.facts.get(miss.on.fact), miss.on.other_fact
    expected = miss.on.expected if other is None else (miss.facts.get(other),)
    return min((_gap(actual, each) for each in expected), default=_FAR)


def _gap(actual: Any, expected: Any) -> Fraction:
    match actual, expected:
        case (bool(), _) | (None, _) | (_, None):
            return _FAR
        case (int() | Decimal(), int() | Decimal()):
            return _share(Fraction(actual), Fraction(expected))
        case timedelta(), timedelta():
            return _share(Fraction(length_micros(actual)), Fraction(length_micros(expected)))
        case (datetime(), datetime()) | (date(), date()):
            apart = length_micros(abs(actual - expected))
            return min(Fraction(apart, length_micros(_YEAR)), _FAR)
        case _:
            return _FAR


def _share(actual: Fraction, expected: Fraction) -> Fraction:
    most = max(abs(actual), abs(expected))
    return min(abs(actual - expected) / most, _FAR) if most else Fraction(0)


def misses_text(misses: tuple[Miss, ...]) -> str:
    """Return misses as one clause, without those that say the same twice."""
    return "; and ".join(dict.fromkeys(miss.in_words for miss in misses))
