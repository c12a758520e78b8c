"""Take back what a run posted: by a run of its own that mirrors every line, and that another person posts."""

from __future__ import annotations

from app.billing.errors import RunElsewhere
from app.billing.operations.open_run import opened
from app.billing.run_repository import reversal_of, run_named
from app.runtime import Context
from app.store.models import BillingRun


def reverse_run(ctx: Context, *, run: str) -> BillingRun:
    """Open the reversal of a run that is posted. The next run of the month posts what should exist then."""
    found = run_named(ctx.session, run, lock=True)
    if found.state != "posted":
        raise RunElsewhere(f"The run {run} is {found.state}; only what is posted can be taken back. Cancel it instead.")
    other = reversal_of(ctx.session, run)
    if other is not None:
        raise RunElsewhere(f"What the run {run} posted is taken back by the run {other.id} already, {other.state}.")
    return opened(ctx, found.program_id, found.contract_id, found.period, reverses=run)
