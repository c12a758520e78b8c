"""What a formula is worth, as exact SQL over the columns of a row: the same as `engine/payout`, before share and rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from app.bulk.pipeline.exact import (
    Exact,
    cases,
    compared,
    constant,
    divided_by_ten,
    greatest,
    least,
    minus,
    plus,
    quotient,
    times,
    whole,
)
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
    Step,
    Sum,
    Tiers,
)

ZERO = whole(0)


@dataclass(frozen=True, slots=True)
class Prices:
    """Writes prices: how a number of a formula is written, a fact, what a table's counter held before, and whether its
    window has begun."""

    number: Callable[[object], Exact]
    fact: Callable[[str], Exact]
    held: Callable[[Tiers], Exact]
    opened: Callable[[Tiers], exp.Expr]
    # Whether it is the first that a booking table pays for in its window; None for tables that do not book.
    first_of: Callable[[Tiers], exp.Expr | None]
    # What is paid for all items of a list.
    of_items: Callable[[PerItem], Exact]

    def price(self, formula: Formula) -> Exact:
        """Return the precise amount of a formula."""
        match formula:
            case Flat(amount):
                return self.number(amount)
            case Percent(rate, of):
                return divided_by_ten(times(self.number(rate), self.fact(of)), 2)
            case PerUnit(amount, of):
                return times(self.number(amount), self.fact(of))
            case Cpm(amount, of):
                return divided_by_ten(times(self.number(amount), self.fact(of)), 3)
            case Amount(fact):
                return self.fact(fact)
            case Package():
                return times(self._packages(formula), self.number(formula.amount))
            case Tiers():
                return self._tiered(formula)
            case PerItem():
                return self.of_items(formula)
            case Sum(parts):
                return plus(*map(self.price, parts))
            case Least(parts):
                return least(*map(self.price, parts))
            case Greatest(parts):
                return greatest(*map(self.price, parts))
            case Clamp(part, low, high):
                found = self.price(part)
                found = found if low is None else greatest(found, self.number(low))
                return found if high is None else least(found, self.number(high))

    def quantity(self, tiers: Tiers) -> Exact:
        """Return what a conversion adds to a table's total; nothing where the fact is absent."""
        if tiers.by.fact is None:
            return whole(1)
        fact = self.fact(tiers.by.fact)
        return Exact(exp.Coalesce(this=fact.sql, expressions=[exp.Literal.number(0)]), fact.scale, fact.bound)

    def booked_at(self, tiers: Tiers, reached: Exact, quantity: Exact, flat: exp.Expr | None = None) -> Exact:
        """Return the price of a quantity at the step that a total reaches, with that step's flat, or only where it is
        due."""
        branches = [(_at_most(reached, ZERO), _only(flat, self._of_zero(tiers, reached)))]
        for step in tiers.steps:
            here = plus(self._at(tiers, step, quantity), _only(flat, self.number(step.flat)))
            branches.append((exp.true() if step.up_to is None else _at_most(reached, self.number(step.up_to)), here))
        return cases(branches[:-1], branches[-1][1])

    def _packages(self, package: Package) -> Exact:
        """Return the number of packages begun or filled by what is not free, by whole numbers of one scale."""
        size, free = self.number(package.size), self.number(package.free)
        billable = greatest(minus(self.fact(package.of), free), ZERO)
        scale = max(size.scale, billable.scale)
        size, billable = size.at_scale(scale), billable.at_scale(scale)
        if package.round == "up":
            billable = minus(plus(billable, size), whole(1, scale))
        return quotient(billable, size)

    def _tiered(self, tiers: Tiers) -> Exact:
        quantity = self.quantity(tiers)
        held = ZERO if tiers.window == "event" else self.held(tiers)
        after, first = plus(held, quantity), self.first_of(tiers)
        if first is not None:
            return self.booked_at(tiers, after, quantity, first)
        if tiers.mode == "volume":
            return self._growth(lambda total: self.booked_at(tiers, total, total), tiers, held, after)
        cut = self._growth(lambda total: self._graduated(tiers, total), tiers, held, after)
        if tiers.crossing == "split":
            return cut
        is_whole = exp.and_(compared(exp.GT, quantity, ZERO), compared(exp.GTE, held, ZERO))
        return cases([(is_whole, self._whole(tiers, held, quantity))], cut)

    def _growth(self, price: Callable[[Exact], Exact], tiers: Tiers, held: Exact, after: Exact) -> Exact:
        """Return what a price grows by. Of a window that has not begun nothing was paid, not even the price of zero."""
        if held.is_zero:
            return price(after)
        begun = compared(exp.NEQ, held, ZERO)
        if tiers.flat_at_zero:
            begun = exp.or_(begun, self.opened(tiers))
        return minus(price(after), cases([(begun, price(held))], ZERO))

    def _graduated(self, tiers: Tiers, quantity: Exact) -> Exact:
        slices = []
        low = ZERO
        for step in tiers.steps:
            top = quantity if step.up_to is None else least(quantity, self.number(step.up_to))
            slices.append(self._at(tiers, step, greatest(minus(top, low), ZERO)))
            low = low if step.up_to is None else self.number(step.up_to)
        positive = plus(*slices, self._flats_entered(tiers, quantity))
        return cases([(_at_most(quantity, ZERO), self._of_zero(tiers, quantity))], positive)

    def _flats_entered(self, tiers: Tiers, quantity: Exact) -> Exact:
        """Return the flats of the steps that a quantity above zero enters."""
        flats = []
        low: Exact | None = None
        for step in tiers.steps:
            flat = self.number(step.flat)
            if not flat.is_zero:
                flats.append(flat if low is None else cases([(compared(exp.GT, quantity, low), flat)], ZERO))
            low = low if step.up_to is None else self.number(step.up_to)
        return plus(*flats) if flats else ZERO

    def _flats(self, tiers: Tiers, quantity: Exact) -> Exact:
        entered = self._flats_entered(tiers, quantity)
        return cases([(_at_most(quantity, ZERO), self._of_zero(tiers, quantity))], entered)

    def _whole(self, tiers: Tiers, held: Exact, quantity: Exact) -> Exact:
        after = plus(held, quantity)
        at = held if tiers.crossing == "whole_at_old" else after
        less: type[exp.Binary] = exp.LT if tiers.crossing == "whole_at_old" else exp.LTE
        steps: list[tuple[exp.Expr, Exact]] = [
            (
                exp.true() if step.up_to is None else compared(less, at, self.number(step.up_to)),
                self._at(tiers, step, quantity),
            )
            for step in tiers.steps
        ]
        price = cases(steps[:-1], steps[-1][1])
        return plus(price, self._growth(lambda total: self._flats(tiers, total), tiers, held, after))

    def _of_zero(self, tiers: Tiers, quantity: Exact) -> Exact:
        if not tiers.flat_at_zero:
            return ZERO
        return cases([(compared(exp.EQ, quantity, ZERO), self.number(tiers.steps[0].flat))], ZERO)

    def _at(self, tiers: Tiers, step: Step, quantity: Exact) -> Exact:
        price = times(self.number(step.unit), quantity)
        return divided_by_ten(price, 2) if tiers.rate == "percent" else price


def number_of(value: object) -> Exact:
    """Return a number that stands in a formula."""
    assert isinstance(value, Decimal)
    return constant(value)


def any_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """Return whether one of these is true."""
    return exp.or_(*conditions) if conditions else exp.false()


def _at_most(left: Exact, right: Exact) -> exp.Expr:
    return compared(exp.LTE, left, right)


def _only(due: exp.Expr | None, amount: Exact) -> Exact:
    return amount if due is None or amount.is_zero else cases([(due.copy(), amount)], ZERO)
