"""Cancel a run that is not posted: at once, or, where a worker is at it, as soon as that looks up."""

from __future__ import annotations

from app.billing.errors import RunElsewhere
from app.billing.operations.compute_run import end
from app.billing.run_repository import is_worked_on, progress_of, run_named
from app.runtime import Context
from app.store.models import BillingRun


def cancel_run(ctx: Context, *, run: str) -> BillingRun:
    """Give a run up. What it proposed is forgotten; nothing was posted."""
    found = run_named(ctx.session, run)
    if found.state in ("posting", "posted", "cancelled", "failed"):
        raise RunElsewhere(f"The run {run} is {found.state}; it cannot be cancelled any more.")
    if found.state != "queued" and is_worked_on(ctx.session, run):
        progress_of(ctx.session, run).stop_asked_by = ctx.actor
        ctx.session.flush()
        return found
    return end(ctx, run, "cancelled", ctx.actor)
