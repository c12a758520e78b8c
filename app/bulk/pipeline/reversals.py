"""What came back of conversions: which of them are as if they had never been, and the money that is taken back of what was
paid. The facts of a conversion are those that its reversals before the lock have left, so that is all there is to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from app.bulk.columns import stored
from app.bulk.fact_table import ROW, Row, Structure
from app.bulk.pipeline.exact import NARROW, Exact, cases, rounded, times, whole
from app.bulk.pipeline.extent import Extent
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.sql import column, either, equal, is_null, named, number
from app.core.money import EXACT
from app.core.rounding import Rounding
from app.engine.factsheet import Conversion
from app.engine.reversals import VALUE
from app.rulelang.facts import LARGEST, MAX_SCALE

if TYPE_CHECKING:
    from app.bulk.pipeline.plan import Plan

TABLE, UNDONE, TAKEN = "reversals", "undone", "taken_back"
IS_UNDONE = "is_undone"
STRUCTURE: dict[str, Structure] = {
    ROW: "BIGINT",
    "place": "BIGINT",
    "is_after_lock": "BOOLEAN",
    "came_back": "BIGINT",
    "pieces": "BIGINT",
    "leaves_nothing": "BOOLEAN",
    # The order value that the conversion is decided with, as the order has it.
    "of_value": "BIGINT",
}


def reversal_rows(conversions: Iterable[Conversion]) -> Iterator[Row]:
    """Yield what came back of conversions, which are numbered in their order."""
    for number_of, one in enumerate(conversions):
        for place, each in enumerate(one.reversals):
            of = one.facts.get(VALUE)
            yield {
                ROW: number_of,
                "place": place,
                "is_after_lock": each.mode == "negate",
                "came_back": _millionths(each.value, one),
                "pieces": min(sum(item.quantity for item in each.items), LARGEST),
                "leaves_nothing": each.leaves_nothing,
                "of_value": _millionths(of, one) if isinstance(of, Decimal) else None,
            }


def refuse_fine(one: Conversion) -> None:
    """Refuse an order of which a part came back that has more digits than facts have."""
    if one.reversals and isinstance(of := one.facts.get(VALUE), Decimal):
        _millionths(of, one)


def _millionths(value: Decimal, one: Conversion) -> int:
    if EXACT.scaleb(value, MAX_SCALE) % 1:
        raise NotInBulk(f"a part came back that has more than {MAX_SCALE} digits after the point", one.id)
    return int(stored("decimal", value))


def returned_query() -> exp.Select:
    """Return the query of how many conversions are undone or may be, and of how much came back after the lock."""
    last = column("is_after_lock")
    sums = [named(exp.Sum(this=_one(test)), name) for test, name in ((_whole_before(), "undone"), (last, "taken"))]
    size = exp.Max(this=exp.Abs(this=column("of_value")))
    query: exp.Select = exp.select(*sums, named(size, "of_value")).from_(TABLE)
    return query


def extent_with(extent: Extent, row: Sequence[Any]) -> Extent:
    """Return an extent with what came back, from the row of that query."""
    undone, taken, of_value = (int(each or 0) for each in row)
    return replace(extent, undone=undone, taken=taken, of_value=of_value)


def _one(test: exp.Expr) -> exp.Expr:
    return either(test, number(1), number(0))


def _whole_before() -> exp.Expr:
    return exp.and_(column("leaves_nothing"), exp.not_(column("is_after_lock")))


def undone() -> exp.Select:
    """Return the query of conversions that came back as a whole before the lock: they are no orders of their customers; and
    where nothing came back after it, it is as if they had never been."""
    none_after = exp.EQ(this=exp.Max(this=_one(column("is_after_lock"))), expression=number(0))
    query: exp.Select = (
        exp.select(ROW, named(none_after, IS_UNDONE)).from_(TABLE).group_by(ROW)
        .having(exp.EQ(this=exp.Max(this=_one(_whole_before())), expression=number(1)))
    )  # fmt: skip
    return query


def taken_back(plan: Plan) -> exp.Select:
    """Return the query of what each reversal after the lock takes back of what a partner was paid, line by line. What has
    come back by then is rounded, and what was taken before is subtracted; what was changed on earlier lines stays."""
    so_far = exp.Window(
        this=exp.Sum(this=exp.cast(column("came_back"), "int128")),
        partition_by=[column(ROW)],
        order=exp.Order(expressions=[exp.Ordered(this=column("place"))]),
        spec=exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW", end_side=None),
    )
    back = exp.select(ROW, "place", "leaves_nothing", "of_value", named(so_far, "so_far"))
    back = back.from_(TABLE).where(column("is_after_lock"))
    names = taken_columns(plan.lines)
    taken = [named(_taken(plan, at, name.replace("taken", "final")), name) for at, name in enumerate(names, start=-1)]
    paid = exp.and_(column("counts", "d"), exp.EQ(this=column("said", "d"), expression=number(0)))
    if plan.refers:
        paid = exp.and_(paid, is_null(column("noted", "d")))
    each = (
        exp.select(column(ROW, "d"), column("partner", "d"), column("place", "b"), *taken)
        .from_(exp.alias_(exp.to_table("decided"), "d", table=True))
        .join(back.subquery("b", copy=False), on=equal(ROW, "d", "b"))
        .where(paid)
    )
    order = exp.Order(expressions=[exp.Ordered(this=column("place"))])
    less: list[exp.Expr] = []
    for name in names:
        before = exp.Window(
            this=exp.Lag(this=column(name), offset=number(1), default=number(0)),
            partition_by=[column(ROW), column("partner")],
            order=order.copy(),
        )
        less.append(named(exp.Sub(this=column(name), expression=before), name))
    query: exp.Select = exp.select(ROW, "partner", "place", *less).from_(
        each.subquery("each_one", copy=False), copy=False
    )
    return query


def taken_columns(lines: int) -> list[str]:
    """Return the columns of what is taken back: of what a fallback paid, and line by line."""
    return ["taken_fallback", *(f"taken_{at}" for at in range(lines))]


def _taken(plan: Plan, at: int, name: str) -> exp.Expr:
    """Return what has come back of a line, NULL where there is none."""
    paid = Exact(column(name, "d"), 0, NARROW - 1)
    # Where more has come back than the order was worth, nothing is divided.
    part, of = (
        times(paid, Exact(column("so_far", "b"), 0, plan.extent.of_value)),
        Exact(column("of_value", "b"), 0, plan.extent.of_value),
    )
    adjusting = plan.shapes_that_adjust_at(at)
    ways = [
        (_in_shapes(plan.shapes_rounded(way)), rounded(part, 0, way, of))
        for way in _ROUNDINGS
        if plan.shapes_rounded(way)
    ]
    all_of_it = exp.or_(
        column("leaves_nothing", "b"),
        is_null(column("of_value", "b")),
        exp.GTE(this=column("so_far", "b"), expression=column("of_value", "b")),
    )
    kept = [(_in_shapes(adjusting), whole(0))] if adjusting else []
    return exp.cast(cases([*kept, (all_of_it, paid), *ways]).sql, "bigint")


_ROUNDINGS: tuple[Rounding, ...] = ("half_away", "half_even")


def _in_shapes(shapes: Sequence[int]) -> exp.Expr:
    return exp.In(this=column("shape", "d"), expressions=[number(each) for each in shapes])
