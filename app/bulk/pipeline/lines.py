"""From matching payout rules to rounded lines. A decision's lines stand in one row, in places that are fixed for a shape: the
rules that may pay, then bonuses, then what reaching a volume step changes on earlier lines. A place where nothing is due is
NULL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from app.bulk.fact_table import Column
from app.bulk.pipeline.exact import NARROW, Exact, cases, compared, minus, plus, rounded, times, whole
from app.bulk.pipeline.extent import Extent
from app.bulk.pipeline.groups import Group
from app.bulk.pipeline.items import sum_of_items
from app.bulk.pipeline.judging import matches, none_match, pays_first
from app.bulk.pipeline.prices import Prices
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.shapes import Shape
from app.bulk.pipeline.sql import column, number
from app.bulk.pipeline.tallies import Tallies, Tally
from app.engine.payout.volume_tables import standing
from app.rulelang.ast import Formula, PerItem, Tiers
from app.rulelang.facts import MAX_SCALE

OTHERWISE = -1


@dataclass(frozen=True, slots=True)
class Place:
    """A place for a line: the rules that may pay there, by number, with when they do; bonuses are numbered on. What
    changes earlier lines is of a rule too, and has no share."""

    rules: tuple[tuple[int, exp.Expr, Formula | None], ...]
    is_shared: bool
    is_adjustment: bool = False


def places_of(shape: Shape) -> list[Place]:
    """Return the places of a shape's lines, in the order of lines."""
    rules = [(at, formula) for at, (_, formula) in enumerate(shape.rules)]
    ends = [] if isinstance(shape.pays_otherwise, str) else [(OTHERWISE, none_match(shape), shape.pays_otherwise)]
    if shape.hit == "sum":
        found = [[(at, matches(shape, at), formula)] for at, formula in rules] or [[]]
        found[0] += ends
    else:
        found = [[*((at, pays_first(shape, at), formula) for at, formula in rules), *ends]]
    places = [Place(tuple(each), True) for each in found if each]
    start = len(shape.rules)
    for at, (_, formula) in enumerate(shape.bonuses, start=start):
        places.append(Place(((at, matches(shape, at), formula),), False))
    changed = dict.fromkeys(rule for rule, _ in tables_of(shape))
    return places + [Place(((rule, exp.true(), None),), False, is_adjustment=True) for rule in changed]


def tables_of(shape: Shape) -> list[tuple[int, Tiers]]:
    """Return the volume tables that book, each with its rule, in the order in which they change earlier lines."""
    formulas = [(at, formula) for at, (_, formula) in enumerate((*shape.rules, *shape.bonuses))]
    ends = [] if isinstance(shape.pays_otherwise, str) else [(OTHERWISE, shape.pays_otherwise)]
    return [(rule, tiers) for rule, formula in (*formulas, *ends) for tiers in standing(formula)]


@dataclass(frozen=True)
class Pricing:
    """Writes the lines of one shape over the columns of a judged and tallied row."""

    group: Group
    columns: Mapping[str, Column]
    tallies: Tallies
    extent: Extent

    @property
    def shape(self) -> Shape:
        return self.group.shape

    @property
    def prices(self) -> Prices:
        return Prices(self.group.number_of, self.fact, self._held, self._opened, self._first_of, self._of_items)

    def fact(self, name: str) -> Exact:
        """Return a number of the conversion."""
        held = self.columns[name]
        scale = MAX_SCALE if held.fact.type == "decimal" else 0
        return Exact(column(held.name), scale, self.extent.bound(held.name))

    def amount(self, place: Place) -> Exact:
        """Return what is due at a place before its share, NULL where nothing is."""
        if place.is_adjustment:
            return self._changed(place.rules[0][0])
        return cases([(when, self.prices.price(formula)) for _, when, formula in place.rules if formula is not None])

    def line(self, amount: Exact, share: tuple[Exact, Exact] | None = None) -> Exact:
        """Return an amount as it is paid, for a share of the credit: rounded once."""
        shape = self.shape
        if share is None:
            return rounded(amount, shape.digits, shape.rounding)
        part, whole_of = share
        found = rounded(times(amount, part), shape.digits, shape.rounding, whole_of)
        # A share is never more than the whole, so a part of an amount is never more than all of it.
        bound = rounded(amount, shape.digits, shape.rounding).bound
        return Exact(found.sql if bound >= NARROW else exp.cast(found.sql, "bigint"), found.scale, bound)

    def added(self, at: int) -> exp.Expr | None:
        """Return what a conversion adds to a tally of tiers if it is counted, or None where it never does."""
        counting, tally = self.group.counting, self.tallies.columns[at]
        if at not in counting.adds:
            return None
        if tally.mark:
            return self._booked(at, tally)
        if tally.fact is None:
            return exp.cast(number(1), "bigint")
        return exp.Coalesce(this=self.fact(tally.fact).sql, expressions=[number(0)])

    def _booked(self, at: int, tally: Tally) -> exp.Expr:
        """Return what a volume table books: the quantity, or that there was one, where its rule pays."""
        place = next(n for n, pair in enumerate(self.group.counting.tables) if at in pair)
        rule, tiers = tables_of(self.shape)[place]
        whens = [
            when
            for each in places_of(self.shape)
            for at_rule, when, formula in each.rules
            if at_rule == rule and formula
        ]
        added = self.prices.quantity(tiers).sql if tally.measure == "booked" else exp.cast(number(1), "bigint")
        return exp.Case(ifs=[exp.If(this=exp.or_(*whens), true=added)], default=number(0))

    def tally(self, at: int) -> Exact:
        """Return what a tally held before."""
        tally = self.tallies.columns[at]
        name = self.tallies.column(at)
        if (tally.fact is None and tally.measure == "count") or tally.measure == "entered":
            return Exact(column(name), 0, max(1, self.extent.count))
        fact = self._fact_of(at, tally)
        if fact is None:
            return Exact(column(name), 0, max(1, self.extent.count))
        return Exact(column(name), fact.scale, fact.bound * max(1, self.extent.count))

    def _fact_of(self, at: int, tally: Tally) -> Exact | None:
        if tally.fact is not None:
            return self.fact(tally.fact)
        place = next(n for n, pair in enumerate(self.group.counting.tables) if at in pair)
        of = tables_of(self.shape)[place][1].by.fact
        return None if of is None else self.fact(of)

    def _of_items(self, formula: PerItem) -> Exact:
        return sum_of_items(
            formula, self.columns, self.extent, lambda then, field: replace(self.prices, fact=field).price(then)
        )

    def _held(self, tiers: Tiers) -> Exact:
        measure = "count" if tiers.by.fact is None else "sum"
        return self.tally(self._reads(Tally(measure, tiers.window, tiers.by.fact, "contract", 0)))

    def _opened(self, tiers: Tiers) -> exp.Expr:
        if tiers.window == "event":
            return exp.false()
        return compared(exp.GT, self.tally(self._reads(Tally("count", tiers.window, None, "contract", 0))), whole(0))

    def _reads(self, tally: Tally) -> int:
        at = self.tallies.columns.index(tally)
        if at not in self.group.counting.reads:
            raise NotInBulk(f"terms do not read {tally.measure} of a {tally.window}")
        return at

    def _first_of(self, tiers: Tiers) -> exp.Expr | None:
        for place, (_, table) in enumerate(tables_of(self.shape)):
            if table is tiers:
                return compared(exp.EQ, self.tally(self.group.counting.tables[place][1]), whole(0))
        return None

    def _changed(self, rule: int) -> Exact:
        """Return what the tables of a rule change on earlier lines, NULL where none of them reaches another step."""
        found: list[tuple[exp.Expr, Exact]] = []
        for place, (of, tiers) in enumerate(tables_of(self.shape)):
            if of != rule:
                continue
            booked, entered = (self.tally(at) for at in self.group.counting.tables[place])
            was = self._held(tiers)
            now = plus(was, self.prices.quantity(tiers))
            before, after = (self.prices.booked_at(tiers, total, booked) for total in (was, now))
            changes = exp.and_(compared(exp.GT, entered, whole(0)), compared(exp.NEQ, after, before))
            found.append((changes, minus(after, before)))
        total = plus(*(cases([each], whole(0)) for each in found))
        return cases([(exp.or_(*(when.copy() for when, _ in found)), total)])


def carried_facts(shapes: Sequence[Shape]) -> list[str]:
    """Return the facts that formulas calculate with, in order of name."""
    from app.rulelang.ast import facts_in

    formulas: list[Formula] = []
    for shape in shapes:
        formulas += [formula for _, formula in (*shape.rules, *shape.bonuses)]
        formulas += [] if isinstance(shape.pays_otherwise, str) else [shape.pays_otherwise]
        formulas += [limit.over for limit in shape.limits if not isinstance(limit.over, str)]
    return sorted({fact for formula in formulas for fact in facts_in(formula)})
