"""Addresses of billing runs and of accounting periods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.billing.describe_run import brief_data, closings_data, proposed_line_data, run_data
from app.billing.errors import (
    PeriodClosedAlready,
    PeriodNotOver,
    PeriodRefused,
    RunElsewhere,
    RunNotFound,
    RunOpenAlready,
    SelfPosting,
)
from app.billing.operations.cancel_run import cancel_run
from app.billing.operations.close_period import close_period
from app.billing.operations.get_run import currencies, parts_of
from app.billing.operations.open_run import open_run
from app.billing.operations.post_run import ask_posting
from app.billing.operations.reverse_run import reverse_run
from app.billing.run_repository import (
    closings_of,
    proposed_lines,
    run_named,
    runs_before,
)
from app.billing.run_schemas import (
    BillingRunBrief,
    BillingRunShown,
    BillingRunsQuery,
    ClosingsShown,
    NewBillingRun,
    ProposedLineShown,
)
from app.billing.tasks import hand_over
from app.contracts.errors import ContractNotFound
from app.core.as_of import read_as_of
from app.partners.errors import ProgramNotFound
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import BillingRun
from app.web.as_of import AsOf
from app.web.blueprint import Room
from app.web.operation_doc import Leads
from app.web.pagination import Page, PageQuery

routes = Room("billing runs", __name__, "Billing runs: opened, computed, looked at, posted; and closed books.")

RUN = "/billing-runs/<identifier:run>"
AT = "/v1/billing-runs/{id}"


@routes.writes(
    "/billing-runs",
    needs="bill",
    takes=NewBillingRun,
    shows=BillingRunShown,
    status=202,
    refuses=(ContractNotFound, ProgramNotFound, PeriodRefused, RunOpenAlready),
    location=AT,
    once="required",
    leads_to=Leads("show_billing_run", run="body.id"),
)
def add_billing_run(ctx: Context, **asked: Any) -> dict[str, Any]:
    """Open a billing run for a contract, or for all contracts of a program, and a month.

    A worker computes what should exist, subtracts what is posted, and proposes the difference; `Location` says how far it
    is. Nothing is posted by that: somebody else looks at it and posts it. A late conversion or a back-dated amendment
    becomes correction lines, each linked to the line it corrects. While a run is open, no other bills the same.
    """
    return _shown(ctx, hand_over(ctx, open_run(ctx, **asked)))


@routes.lists(
    "/billing-runs",
    needs="read",
    query=BillingRunsQuery,
    shows=BillingRunBrief,
    cursor=lambda row: (str(row["position"]),),
)
def list_billing_runs(ctx: Context, page: Page, **filters: str) -> Sequence[dict[str, Any]]:
    """List billing runs, the newest first."""
    named = {"program": "program_id", "contract": "contract_id", "period": "period", "state": "state"}
    wanted: dict[str, str | None] = {named[key]: value for key, value in filters.items()}
    return [brief_data(run) for run in runs_before(ctx.session, page.after_number or None, page.fetch, **wanted)]


@routes.reads(RUN, needs="read", shows=BillingRunShown, refuses=(RunNotFound,))
def show_billing_run(ctx: Context, run: str) -> dict[str, Any]:
    """Show a run: how far it is, what it proposes or has posted, its control totals, and what can be done with it."""
    return _shown(ctx, run_named(ctx.session, run))


@routes.lists(
    f"{RUN}/lines",
    needs="read",
    query=PageQuery,
    shows=ProposedLineShown,
    cursor=lambda row: (str(row["place"]),),
    refuses=(RunNotFound,),
)
def list_proposed_lines(ctx: Context, run: str, page: Page) -> Sequence[dict[str, Any]]:
    """List the lines and accruals that a run proposes, for who looks at it. Once it is posted they are on statements."""
    found = run_named(ctx.session, run)
    # Places count from zero, and cursors from one.
    after = page.after_number - 1 if page.after else None
    rows = proposed_lines(ctx.session, found.id, after, page.fetch)
    currency_of = currencies(ctx, {row.statement_id.rpartition("/")[0] for row in rows})
    return [proposed_line_data(row, currency_of[row.statement_id.rpartition("/")[0]]) for row in rows]


@routes.writes(
    f"{RUN}/post",
    needs="post",
    shows=BillingRunShown,
    status=202,
    refuses=(RunNotFound, RunElsewhere, SelfPosting),
    location=AT,
    once="optional",
)
def post_billing_run(ctx: Context, run: str) -> dict[str, Any]:
    """Have a run posted that is ready; whoever opened it cannot.

    A worker posts what was looked at, all of it or nothing, in the service month, or where the books are closed in the first
    month that is open. Less than nothing is never paid: what is below zero is carried forward.
    """
    return _shown(ctx, hand_over(ctx, ask_posting(ctx, run=run)))


@routes.writes(
    f"{RUN}/cancel",
    needs="bill",
    shows=BillingRunShown,
    status=202,
    refuses=(RunNotFound, RunElsewhere),
    location=AT,
    once="optional",
)
def cancel_billing_run(ctx: Context, run: str) -> dict[str, Any]:
    """Cancel a run that is not posted: at once, or, where a worker is at it, as soon as that looks up."""
    return _shown(ctx, cancel_run(ctx, run=run))


@routes.writes(
    f"{RUN}/reversals",
    needs="bill",
    shows=BillingRunShown,
    status=202,
    refuses=(RunNotFound, RunElsewhere, RunOpenAlready),
    location=AT,
    once="required",
)
def reverse_billing_run(ctx: Context, run: str) -> dict[str, Any]:
    """Open a run that takes back what another one posted, line by line. It is looked at and posted like any other; the next
    run of the month posts what should exist then."""
    return _shown(ctx, hand_over(ctx, reverse_run(ctx, run=run)))


@routes.writes(
    "/programs/<identifier:program>/accounting-periods/<month:period>/close",
    needs="post",
    shows=ClosingsShown,
    refuses=(ProgramNotFound, PeriodRefused, PeriodNotOver, PeriodClosedAlready),
    once="optional",
)
def close_accounting_period(ctx: Context, program: str, period: str) -> dict[str, Any]:
    """Close the books of a program up to and with a month that is over. It is never opened again: what concerns it later is
    booked in the first month that is open, with its service month named."""
    close_period(ctx, program=program, period=period)
    return closings_data(program, closings_of(ctx.session, program, ctx.now()))


@routes.reads(
    "/programs/<identifier:program>/accounting-periods",
    needs="read",
    query=AsOf,
    shows=ClosingsShown,
    refuses=(ProgramNotFound,),
)
def show_accounting_periods(ctx: Context, program: str, as_of: datetime | None = None) -> dict[str, Any]:
    """Show up to which month the books of a program are closed, and who closed them when."""
    known_at = read_as_of(as_of, ctx.now())
    program_named(ctx.session, program, as_of=known_at)
    return closings_data(program, closings_of(ctx.session, program, known_at))


def _shown(ctx: Context, run: BillingRun) -> dict[str, Any]:
    return run_data(run, *parts_of(ctx, run))
