"""Exact numbers in SQL: whole numbers of a known scale and a known bound. Nothing is divided here but in the one rounding.

The bound says whether 64 bits hold a result; where they do not, it is calculated with 128, and beyond 38 digits, which
no engine holds, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from sqlglot import exp

from app.bulk.pipeline.refusals import NotInBulk
from app.core.money import EXACT
from app.core.rounding import Rounding

NARROW, WIDE = 2**63, 10**38
WIDE_TYPE = "int128"


@dataclass(frozen=True, slots=True)
class Exact:
    """An expression that is a value times ten to its scale, and never beyond its bound; `constant` if it is one."""

    sql: exp.Expr
    scale: int
    bound: int
    constant: int | None = None

    def at_scale(self, scale: int) -> Exact:
        """Return the same value with more digits after the point."""
        if scale == self.scale:
            return self
        return Exact(times(self, whole(10 ** (scale - self.scale))).sql, scale, self.bound * 10 ** (scale - self.scale))

    @property
    def is_zero(self) -> bool:
        return self.constant == 0


def whole(number: int, scale: int = 0) -> Exact:
    """Return a constant, given times ten to its scale."""
    if abs(number) >= WIDE:
        raise NotInBulk("a number has more than 38 digits")
    written = exp.cast(exp.Literal.number(number), "bigint" if abs(number) < NARROW else WIDE_TYPE)
    return Exact(written, scale, abs(number), number)


def constant(value: Decimal) -> Exact:
    """Return a decimal as a constant.

    >>> constant(Decimal("2.50")).scale, constant(Decimal("2.50")).constant, constant(Decimal("1E+2")).constant
    (1, 25, 100)
    """
    scale = scale_of(value)
    return whole(int(EXACT.scaleb(value, scale)), scale)


def scale_of(value: Decimal) -> int:
    """Return how many digits after the point a decimal needs."""
    exponent = value.normalize(EXACT).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def aligned(parts: Sequence[Exact]) -> list[Exact]:
    """Return numbers at one scale."""
    scale = max(part.scale for part in parts)
    return [part.at_scale(scale) for part in parts]


def times(left: Exact, right: Exact) -> Exact:
    """Multiply."""
    scale, bound = left.scale + right.scale, left.bound * right.bound
    if left.constant is not None and right.constant is not None:
        return whole(left.constant * right.constant, scale)
    return _made(lambda one, other: exp.Mul(this=one, expression=other), (left, right), scale, bound)


def plus(*parts: Exact) -> Exact:
    """Add up."""
    parts = tuple(part for part in parts if not part.is_zero) or parts[:1]
    if len(parts) == 1:
        return parts[0]
    same = aligned(parts)
    return _made(
        lambda one, other: exp.Add(this=one, expression=other), same, same[0].scale, sum(part.bound for part in same)
    )


def minus(left: Exact, right: Exact) -> Exact:
    """Subtract."""
    if right.is_zero:
        return left
    one, other = aligned((left, right))
    return _made(lambda a, b: exp.Sub(this=a, expression=b), (one, other), one.scale, one.bound + other.bound)


def least(*parts: Exact) -> Exact:
    """Return the least."""
    return _extreme("LEAST", parts)


def greatest(*parts: Exact) -> Exact:
    """Return the greatest."""
    return _extreme("GREATEST", parts)


def divided_by_ten(number: Exact, digits: int) -> Exact:
    """Return a number with its point moved to the left."""
    return Exact(number.sql, number.scale + digits, number.bound, number.constant)


def compared(comparison: type[exp.Binary], left: Exact, right: Exact) -> exp.Expr:
    """Return a comparison."""
    one, other = aligned((left, right))
    return comparison(this=one.sql.copy(), expression=other.sql.copy())


def cases(branches: Sequence[tuple[exp.Expr, Exact]], default: Exact | None = None) -> Exact:
    """Return the value of the first branch whose condition is true; without a default NULL else."""
    values = aligned([value for _, value in branches] + ([] if default is None else [default]))
    bound = max(value.bound for value in values)
    ifs = [
        exp.If(this=when, true=_held(value, bound))
        for (when, _), value in zip(branches, values[: len(branches)], strict=True)
    ]
    if not ifs:
        assert default is not None
        return default
    found = exp.Case(ifs=ifs, default=None if default is None else _held(values[-1], bound))
    return Exact(found, values[0].scale, bound)


def rounded(number: Exact, digits: int, rounding: Rounding, divisor: Exact | None = None) -> Exact:
    """Return a number, divided by a whole one where that is given, rounded to so many digits: the one rounding."""
    fine = number.at_scale(max(number.scale, digits))
    unit = whole(10 ** (fine.scale - digits))
    over = unit if divisor is None else times(unit, divisor)
    if over.constant == 1:
        return Exact(fine.sql, digits, fine.bound, fine.constant)
    size = Exact(exp.Abs(this=fine.sql), 0, fine.bound)
    turned = times(whole(2), size)
    if rounding == "half_away":
        up = quotient(plus(turned, over), times(whole(2), over))
    else:
        low, rest = (
            quotient(size, over),
            Exact(exp.Mod(this=exp.Paren(this=size.sql), expression=exp.Paren(this=over.sql)), 0, over.bound),
        )
        twice = times(whole(2), rest)
        odd = exp.EQ(
            this=exp.Mod(this=exp.Paren(this=low.sql.copy()), expression=exp.Literal.number(2)),
            expression=exp.Literal.number(1),
        )
        more = exp.or_(compared(exp.GT, twice, over), exp.and_(compared(exp.EQ, twice, over), odd))
        up = plus(low, cases([(more, whole(1))], whole(0)))
    negative = exp.LT(this=fine.sql.copy(), expression=exp.Literal.number(0))
    signed = cases([(negative, times(whole(-1), up))], up)
    bound = fine.bound // max(1, 10 ** (fine.scale - digits)) + 1
    sql = exp.cast(signed.sql, "bigint") if bound < NARROW else signed.sql
    return Exact(sql, digits, bound)


def quotient(number: Exact, by: Exact) -> Exact:
    """Divide numbers of one scale that are not negative, and forget the rest: whole numbers are divided exactly."""
    bound = max(number.bound, by.bound)
    return Exact(
        exp.IntDiv(this=exp.Paren(this=_held(number, bound)), expression=exp.Paren(this=_held(by, bound))),
        0,
        number.bound,
    )


def _extreme(function: str, parts: Sequence[Exact]) -> Exact:
    """Return the least or greatest. Nothing is absent here; SQLGlot's own node would ask for each part whether it is."""
    if len(parts) == 1:
        return parts[0]
    same = aligned(parts)
    bound = max(part.bound for part in same)
    held = [_held(part, bound) for part in same]
    return Exact(exp.Anonymous(this=function, expressions=held), same[0].scale, bound)


def _made(operation: Callable[[exp.Expr, exp.Expr], exp.Expr], parts: Sequence[Exact], scale: int, bound: int) -> Exact:
    held = [_held(part, bound) for part in parts]
    return Exact(exp.Paren(this=reduce(operation, held)), scale, bound)


def _held(part: Exact, bound: int) -> exp.Expr:
    """Return an expression in the type that holds the bound. EngineFault of the engine is never an answer: it is refused."""
    if bound >= WIDE:
        raise NotInBulk("a calculation may come to more than 38 digits")
    copy = part.sql.copy()
    return copy if bound < NARROW else exp.cast(copy, WIDE_TYPE)
