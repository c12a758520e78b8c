"""Close the books of a program up to and with a month: nothing is booked there any more, ever."""

from __future__ import annotations

from app.audit.record import record
from app.billing.errors import PeriodClosedAlready, PeriodNotOver, PeriodRefused
from app.billing.run_repository import closed_up_to
from app.core.errors import Finding
from app.core.instants import write_instant, zone
from app.core.period import month_from, parse_month
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import AccountingClosing


def close_period(ctx: Context, *, program: str, period: str) -> AccountingClosing:
    """Close a month that is over, in the program's zone, with all before it."""
    row = program_named(ctx.session, program, lock=True)
    first, program_zone = parse_month(period), zone(row.timezone)
    assert program_zone is not None  # checked when the program was made
    if first is None:
        finding = Finding(
            "bad_period", f"a period is a month YYYY-MM; found {period!r}", "/period", 'such as "1997-07"'
        )
        raise PeriodRefused(f"{finding.message}.", [finding])
    ends = month_from(first, program_zone).end
    if ctx.now() < ends:
        raise PeriodNotOver(
            f"{period} is not over in {row.timezone} before {write_instant(ends)}; it cannot be closed."
        )
    closed = closed_up_to(ctx.session, program)
    if closed is not None and period <= closed:
        raise PeriodClosedAlready(f"The books of {program} are closed up to {closed} already.")
    closing = AccountingClosing(program_id=program, period=period, closed_by=ctx.actor, closed_at=ctx.now())
    ctx.session.add(closing)
    record(ctx, "accounting_period.closed", f"{program}/{period}", f"The books of {program} are closed up to {period}")
    ctx.session.flush()
    return closing
