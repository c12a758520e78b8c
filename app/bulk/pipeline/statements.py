"""What a run comes to by contract and month: the rounded lines within limits, added up. Nothing is posted here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlglot import exp

from app.bulk.pipeline.limits import Said
from app.bulk.pipeline.plan import Plan
from app.bulk.pipeline.run import Run
from app.bulk.pipeline.sql import column, either, named, number
from app.bulk.pipeline.versions import KEY
from app.core.currency import minor_digits
from app.core.money import EXACT

EPOCH = date(1970, 1, 1)


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
    paid: exp.Expr = number(0)
    lines: exp.Expr = number(0)
    for name in names:
        line = exp.Coalesce(this=column(name), expressions=[number(0)])
        paid = exp.Add(this=paid, expression=line)
        one = either(exp.NEQ(this=line.copy(), expression=number(0)), number(1), number(0))
        lines = exp.Add(this=lines, expression=one)
    month = KEY.format("month")
    rated = exp.and_(column("counts"), exp.EQ(this=column("said"), expression=number(Said.RATED)))
    query: exp.Select = (
        exp.select("partner", month, named(exp.Sum(this=paid), "units"), named(exp.Sum(this=lines), "lines"))
        .from_("decided")
        .where(rated)
        .group_by("partner", month)
        .order_by("partner", month)
    )
    return query
