"""What a run comes to by contract and month: the rounded lines within limits, added up. Nothing is posted here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlglot import exp

from app.bulk.pipeline.limits import Said
from app.bulk.pipeline.plan import Plan
from app.bulk.pipeline.reversals import TAKEN, taken_columns
from app.bulk.pipeline.run import Run
from app.bulk.pipeline.sql import column, either, equal, named, number, union_all
from app.bulk.pipeline.versions import KEY
from app.core.currency import minor_digits
from app.core.money import EXACT

EPOCH = date(1970, 1, 1)
MONTH = KEY.format("month")


@dataclass(frozen=True, slots=True)
class Total:
    """What one contract pays for the conversions of a month, in how many lines that are not zero."""

    partner: str
    month: date
    amount: Decimal
    lines: int


def statements(found: Run) -> Iterator[Total]:
    """Yield the totals of contracts and months, in order."""
    histories = found.plan.world.histories
    for partner, first, units, lines in found.runner.run(totals(found.plan)):
        digits = minor_digits(histories[partner].contract.currency) or 0
        amount = Decimal(int(units)).scaleb(-digits, EXACT)
        yield Total(partner, EPOCH + timedelta(days=int(first)), amount, int(lines))


def totals(plan: Plan) -> exp.Select:
    """Return the query of totals, in minor units."""
    names = ["final_fallback", *(f"final_{at}" for at in range(plan.lines))]
    rated = exp.and_(column("counts"), exp.EQ(this=column("said"), expression=number(Said.RATED)))
    rows: exp.Query = exp.select("partner", MONTH, *_paid(names)).from_("decided").where(rated)
    if plan.extent.taken:
        same = exp.and_(equal("row_number", "d", TAKEN), equal("partner", "d", TAKEN))
        back = exp.select(column("partner", "d"), column(MONTH, "d"), *_paid(taken_columns(plan.lines), sign=-1))
        back = back.from_(TAKEN).join(exp.alias_(exp.to_table("decided"), "d", table=True), on=same)
        rows = union_all([rows, back])
    query: exp.Select = (
        exp.select("partner", MONTH, *(named(exp.Sum(this=column(name)), name) for name in ("units", "lines")))
        .from_(rows.subquery("rows", copy=False))
        .group_by("partner", MONTH)
        .order_by("partner", MONTH)
    )
    return query


def _paid(names: Sequence[str], sign: int = 1) -> Iterator[exp.Expr]:
    """Yield what lines come to, and how many there are that are not zero."""
    paid: exp.Expr = number(0)
    lines: exp.Expr = number(0)
    for name in names:
        line = exp.Coalesce(this=column(name), expressions=[number(0)])
        paid = (exp.Add if sign > 0 else exp.Sub)(this=paid, expression=line)
        one = either(exp.NEQ(this=line.copy(), expression=number(0)), number(1), number(0))
        lines = exp.Add(this=lines, expression=one)
    yield named(paid, "units")
    yield named(lines, "lines")
