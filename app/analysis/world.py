"""What a conversion can carry, as symbols and as laws on them: which facts are there, and what their values can be.

A required fact that the rules read is there: without it nothing is decided (MISSING_FACT) and no rule is asked. Derived
facts come from one instant, so weekday and month are those of the date. What a condition says is `translate.py`'s.

Of a list of records there is one item for each thing that conditions say some item is like, and no other. That is
enough: take any order, and keep for each such thing that is true one item that shows it. Whatever was true of some item
still is, and what was true of every item is true of fewer. So what no such list meets, no list meets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

import z3

from app.analysis.calendar import month_of, weekday_of
from app.analysis.scalars import codes_of_type
from app.analysis.texts import Texts
from app.engine.factsheet import DERIVED
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not, Scalar
from app.rulelang.facts import LARGEST, Catalogue, Fact, item_catalogue


@dataclass(frozen=True, slots=True)
class One:
    """A fact of one value, as its code."""

    fact: Fact
    place: str
    present: z3.BoolRef
    value: z3.ArithRef


@dataclass(frozen=True, slots=True)
class Members:
    """A list of text or enum: whether it is empty, and which of the members that rules look for it has. `said` keeps what
    was said of many members: a named list of thousands stands in many rules."""

    fact: Fact
    present: z3.BoolRef
    is_empty: z3.BoolRef
    has: dict[str, z3.BoolRef]
    said: dict[tuple[str, tuple[Scalar, ...]], z3.BoolRef] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """That some item of a list meets `where`, with the item that shows it."""

    where: Condition
    holds: z3.BoolRef
    item: Mapping[str, Symbol]


@dataclass(frozen=True, slots=True)
class Records:
    """A list of records: what is said of some item of it. Empty is that no item is there at all."""

    fact: Fact
    present: z3.BoolRef
    claims: dict[Condition, Claim] = field(default_factory=dict)


Symbol: TypeAlias = One | Members | Records
Scope: TypeAlias = Mapping[str, Symbol]

LIKE_ANYTHING = Always()


def is_carried(fact: Fact) -> bool:
    """Tell whether a conversion can carry a fact: it is sent with one, or computed for one."""
    return fact.subject == "conversion" and (not fact.derived or fact.name in DERIVED)


def derived_codes(fact: Fact) -> tuple[int, int] | None:
    """Return the lowest and highest code of a derived number or date, or None for another fact."""
    # A date is that of an instant in some zone, and instants lie in the years 2 to 9998.
    ends = {
        "hour": (0, 23),
        "month": (1, 12),
        "customer_order_number": (1, LARGEST - 1),
        "local_date": (date(1, 12, 31).toordinal(), date(9999, 1, 1).toordinal()),
    }
    return ends.get(fact.name) if fact.derived else None


class World:
    """The symbols of the facts that some conditions read, and the laws on them."""

    def __init__(self, conditions: Iterable[Condition], catalogue: Catalogue, ctx: z3.Context) -> None:
        self.ctx = ctx
        self.catalogue = catalogue
        self.texts = Texts(ctx)
        self.laws: list[z3.BoolRef] = []
        self.scope: dict[str, Symbol] = {}
        read = list(dict.fromkeys(part for condition in conditions for part in parts_of(condition)))
        for part in read:
            self._learn(part)
        for name in dict.fromkeys(fact for part in read for fact in _facts_at(part)):
            self.scope[name] = self._symbol(catalogue[name], name, is_carried(catalogue[name]))
        for part in read:
            self._prepare(part)
        self.laws += self._derived_laws()

    @property
    def members_sought(self) -> int:
        """How many members of lists rules look for."""
        return sum(len(symbol.has) for symbol in self.scope.values() if isinstance(symbol, Members))

    def _learn(self, part: Leaf | Items) -> None:
        """Note the texts of a comparison before there are symbols: the laws on a text are about all of them."""
        if isinstance(part, Leaf):
            if self.catalogue[part.fact].type == "text":
                self.texts.learn(part, part.fact, part.other_fact)
            return
        fields = item_catalogue(self.catalogue[part.fact])
        for leaf in parts_of(part.where):
            if isinstance(leaf, Leaf) and fields[leaf.fact].type == "text":
                other = None if leaf.other_fact is None else f"{part.fact}.{leaf.other_fact}"
                self.texts.learn(leaf, f"{part.fact}.{leaf.fact}", other)

    def _symbol(self, fact: Fact, name: str, is_carried: bool, number: int = 0) -> Symbol:
        label = f"{name} {number}" if number else name
        optional = z3.Bool(f"{label} is there", self.ctx)
        present = z3.BoolVal(False, self.ctx) if not is_carried else self._always() if fact.required else optional
        if fact.type == "records":
            return Records(fact, present)
        if fact.type in ("text_list", "enum_list"):
            return self._members(fact, present)
        value = z3.Int(label, self.ctx)
        self.laws += self.texts.laws(value, name) if fact.type == "text" else _in_range(value, fact)
        return One(fact, name, present, value)

    def _members(self, fact: Fact, present: z3.BoolRef) -> Members:
        """Return a list. Of enums it has one of the words if it is not empty; of texts it may have any other one."""
        symbol = Members(fact, present, z3.Bool(f"{fact.name} is empty", self.ctx), {})
        for word in fact.values:
            self._member(symbol, word)
        if fact.values:
            self.laws.append(z3.Or(symbol.is_empty, *symbol.has.values()))
        return symbol

    def _prepare(self, part: Leaf | Items) -> None:
        """Give a list the members and items that a condition looks for."""
        symbol = self.scope[part.fact]
        if isinstance(symbol, Members) and isinstance(part, Leaf):
            for member in map(str, part.expected):
                self._member(symbol, member)
        elif isinstance(symbol, Records):
            self._claim(symbol, part.where if isinstance(part, Items) else LIKE_ANYTHING, part)

    def _member(self, symbol: Members, member: str) -> None:
        if member not in symbol.has:
            symbol.has[member] = z3.Bool(f"{symbol.fact.name} has {member!r}", self.ctx)
            self.laws.append(z3.Implies(symbol.has[member], z3.Not(symbol.is_empty)))

    def _claim(self, symbol: Records, where: Condition, part: Leaf | Items) -> None:
        where = Not(where) if isinstance(part, Items) and part.quantifier == "every_item" else where
        if where in symbol.claims:
            return
        number = len(symbol.claims) + 1
        item = {
            one.name: self._symbol(one, f"{symbol.fact.name}.{one.name}", True, number) for one in symbol.fact.fields
        }
        holds = z3.Bool(f"an item {number} of {symbol.fact.name}", self.ctx)
        symbol.claims[where] = Claim(where, holds, item)

    def _always(self) -> z3.BoolRef:
        return z3.BoolVal(True, self.ctx)

    def _derived_laws(self) -> Iterator[z3.BoolRef]:
        """Weekday and month are those of the date; an order is only numbered when its customer is known."""
        day, weekday, month = (self._value(name) for name in ("local_date", "weekday", "month"))
        if day is not None and weekday is not None:
            yield weekday == weekday_of(day)
        if day is not None and month is not None:
            yield from month_of(day, month)
        if self._value("customer_order_number") is not None and "customer_id" in self.scope:
            yield self.scope["customer_id"].present

    def _value(self, name: str) -> z3.ArithRef | None:
        symbol = self.scope.get(name)
        return symbol.value if isinstance(symbol, One) and symbol.fact.derived else None


def usual_days(scope: Scope) -> Iterator[z3.BoolRef]:
    """Yield that a conversion happens in years that people know, if rules read its date. It need not be so."""
    day = scope.get("local_date")
    if isinstance(day, One):
        first, last = date(2000, 1, 1).toordinal(), date(2049, 12, 31).toordinal()
        yield z3.And(day.value >= first, day.value <= last)


def parts_of(condition: Condition) -> Iterator[Leaf | Items]:
    """Yield the comparisons and the tests of items that a condition is made of."""
    match condition:
        case Leaf() | Items():
            yield condition
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from parts_of(part)
        case Not(part):
            yield from parts_of(part)


def _facts_at(part: Leaf | Items) -> tuple[str, ...]:
    return part.facts if isinstance(part, Leaf) else (part.fact,)


def _in_range(value: z3.ArithRef, fact: Fact) -> Iterator[z3.BoolRef]:
    low, high = derived_codes(fact) or codes_of_type(fact)
    yield z3.And(low <= value, value <= high)
