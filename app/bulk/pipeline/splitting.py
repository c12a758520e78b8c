"""Lines of one conversion that several partners share: parts of a whole that sum to the whole, rounded, by largest
remainder. How a line by itself is rounded is `exact.py`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from app.bulk.pipeline.exact import WIDE, WIDE_TYPE
from app.bulk.pipeline.groups import Group
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.sql import column, either, equal, is_there, named, number, union_all

if TYPE_CHECKING:
    from app.bulk.pipeline.plan import Plan

WHOLE = ("row_number", "currency", "digits", "is_even", "line")
"""The columns that say which parts belong to one whole."""


def parts_of(plan: Plan) -> exp.Query | None:
    """Return the query of the shared lines of conversions that several partners are paid for, rounded together; None where
    no line is shared."""
    found = [part for group in plan.groups for part in _parts(plan, group)]
    if not found:
        return None
    by = [column(name) for name in WHOLE]
    total = exp.Window(this=exp.Sum(this=column("part")), partition_by=by)
    summed = exp.select(*WHOLE, "partner", "slot", "place", "part", "unit", named(total, "total")).from_(
        union_all(found).subquery("parts", copy=False)
    )
    sign = either(exp.LT(this=column("total"), expression=number(0)), number(-1), number(1))
    turned = exp.select(*WHOLE, "partner", "slot", "place", "unit", named(sign, "turn"), "part", "total").from_(
        summed.subquery("summed", copy=False)
    )
    sized = exp.select(
        *WHOLE, "partner", "slot", "place", "unit", "turn",
        named(exp.Mul(this=column("part"), expression=column("turn")), "size"),
        named(exp.Mul(this=column("total"), expression=column("turn")), "all_of_it"),
    ).from_(turned.subquery("turned", copy=False), copy=False)  # fmt: skip
    rest = _mod(
        exp.Paren(this=exp.Add(this=_mod(column("size"), column("unit")), expression=column("unit"))), column("unit")
    )
    with_rest = exp.select("*", named(rest, "rest")).from_(sized.subquery("sized", copy=False), copy=False)
    floor = exp.IntDiv(
        this=exp.Paren(this=exp.Sub(this=column("size"), expression=column("rest"))), expression=column("unit")
    )
    floored = exp.select("*", named(floor, "units")).from_(with_rest.subquery("with_rest", copy=False), copy=False)
    order = exp.Order(expressions=[exp.Ordered(this=column("rest"), desc=True), exp.Ordered(this=column("place"))])
    ranked = exp.select(
        "*",
        named(exp.Window(this=exp.RowNumber(), partition_by=by, order=order), "rank_of_rest"),
        named(exp.Window(this=exp.Sum(this=column("units")), partition_by=by), "floors"),
        named(_rounded(), "rounded_whole"),
    ).from_(floored.subquery("floored", copy=False), copy=False)
    missing = exp.Paren(this=exp.Sub(this=column("rounded_whole"), expression=column("floors")))
    one_more = either(exp.LTE(this=column("rank_of_rest"), expression=missing), number(1), number(0))
    units = exp.Paren(this=exp.Add(this=column("units"), expression=one_more))
    amount = exp.cast(exp.Mul(this=column("turn"), expression=units), "bigint")
    given = exp.select("row_number", "partner", "slot", named(amount, "amount")).from_(
        ranked.subquery("ranked", copy=False), copy=False
    )
    slots = [named(exp.Max(this=_of_slot(at)), f"split_{at}") for at in range(plan.lines)]
    return (
        exp.select("row_number", "partner", *slots)
        .from_(given.subquery("given", copy=False), copy=False)
        .group_by("row_number", "partner")
    )


def _of_slot(at: int) -> exp.Expr:
    here = exp.EQ(this=column("slot"), expression=number(at))
    return exp.Case(ifs=[exp.If(this=here, true=column("amount"))])


def shared() -> exp.Select:
    """Return the query of conversions that several partners are paid for."""
    query: exp.Select = (
        exp.select("row_number").from_("priced").where(column("counts")).group_by("row_number")
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=number(1)))
    )  # fmt: skip
    return query


def with_splits(plan: Plan, columns: list[str]) -> exp.Select:
    """Return the query of priced rows with what their lines are rounded to together."""
    found: list[exp.Expr] = []
    amounts = {f"amount_{at}": f"split_{at}" for at in range(plan.lines)}
    for name in columns:
        mine = column(name, "p")
        together = amounts.get(name)
        value = mine if together is None else exp.Coalesce(this=column(together, "s"), expressions=[mine])
        found.append(named(value, name))
    on = exp.and_(equal("row_number", "p", "s"), equal("partner", "p", "s"))
    query: exp.Select = (
        exp.select(*found).from_(exp.alias_(exp.to_table("priced"), "p", table=True))
        .join(exp.alias_(exp.to_table("splits"), "s", table=True), on=on, join_type="left")
    )  # fmt: skip
    return query


def _parts(plan: Plan, group: Group) -> list[exp.Query]:
    if group.number in plan.unpriced:
        return []
    places, scales = plan.places[group.number], plan.scales[group.number]
    scale = max((max(each, default=0) for each in plan.scales.values()), default=0)
    scale = max([scale, *(each.shape.digits for each in plan.groups)])
    pricing = plan.pricing(group)
    found: list[exp.Query] = []
    for at, place in enumerate(places):
        if not place.is_shared:
            continue
        # All shares together are the whole: no sum of parts is more than the whole of the largest line.
        most = pricing.amount(place).at_scale(scale).bound * plan.largest
        if 2 * most + plan.largest * 10**scale >= WIDE:
            raise NotInBulk("lines that partners share may come to more than 38 digits")
        precise, shape = exp.cast(column(f"precise_{at}", "p"), WIDE_TYPE), group.shape
        part = exp.Mul(this=exp.Mul(this=precise, expression=_ten(scale - scales[at])), expression=column("share", "p"))
        unit = exp.Mul(this=exp.cast(column("whole", "p"), WIDE_TYPE), expression=_ten(scale - shape.digits))
        found.append(
            exp.select(column("row_number", "p"), column("partner", "p"), column("currency", "p"), column("place", "p"))
            .select(
                named(number(shape.digits), "digits"), named(exp.Boolean(this=shape.rounding == "half_even"), "is_even")
            )
            .select(named(_before(at), "line"), named(number(at), "slot"), named(part, "part"), named(unit, "unit"))
            .from_(exp.alias_(exp.to_table("priced"), "p", table=True))
            .join("shared", on=equal("row_number", "p", "shared"))
            .where(
                exp.and_(
                    column("counts", "p"),
                    exp.EQ(this=column("shape", "p"), expression=number(group.number)),
                    is_there(column(f"precise_{at}", "p")),
                )
            )
        )
    return found


def _before(at: int) -> exp.Expr:
    """Return how many lines stand before a place: parts of a whole are lines in the same place."""
    lines: exp.Expr = number(0)
    for earlier in range(at):
        one = either(is_there(column(f"precise_{earlier}", "p")), number(1), number(0))
        lines = exp.Add(this=lines, expression=one)
    return exp.Paren(this=lines)


def _rounded() -> exp.Expr:
    """Return the whole, rounded as its contract rounds; it is not negative here."""
    whole, unit = column("all_of_it"), column("unit")
    two = number(2)
    up = exp.IntDiv(
        this=exp.Paren(this=exp.Add(this=exp.Mul(this=two.copy(), expression=whole.copy()), expression=unit.copy())),
        expression=exp.Paren(this=exp.Mul(this=two.copy(), expression=unit.copy())),
    )
    low: exp.Expr = exp.Paren(this=exp.IntDiv(this=whole.copy(), expression=unit.copy()))
    twice = exp.Mul(this=two.copy(), expression=_mod(whole.copy(), unit.copy()))
    odd = exp.EQ(this=_mod(low.copy(), two.copy()), expression=number(1))
    more = exp.or_(
        exp.GT(this=twice, expression=unit.copy()), exp.and_(exp.EQ(this=twice.copy(), expression=unit.copy()), odd)
    )
    even = exp.Add(this=low, expression=either(more, number(1), number(0)))
    return either(column("is_even"), even, up)


def _mod(value: exp.Expr, by: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Mod(this=value, expression=by))


def _ten(digits: int) -> exp.Expr:
    return exp.cast(number(10**digits), WIDE_TYPE)
