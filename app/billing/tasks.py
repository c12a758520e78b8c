"""What workers do for billing: compute runs, and post those that somebody has looked at. Queued with the run itself."""

from __future__ import annotations

from app.billing.errors import RunStopped
from app.billing.operations.compute_run import Report, compute_run
from app.billing.operations.post_run import post_or_fail
from app.billing.run_repository import note_progress
from app.core.clock import Ticks, system_ticks
from app.jobs.enqueue import enqueue
from app.jobs.task import JobArgs, Lease, Task
from app.runtime import Context, Runtime
from app.store.models import BillingRun

WORKER = "billing worker"
BETWEEN_REPORTS_NS = 1_000_000_000


def hand_over(ctx: Context, run: BillingRun) -> BillingRun:
    """Queue what a worker has to do for a run now, in the transaction that made it so."""
    task = {"queued": COMPUTE, "posting": POST}.get(run.state)
    if task is not None:
        ctx.session.flush()
        enqueue(ctx.session, task.name, {"run": run.id}, queueing_lock=f"{task.name} {run.id}", lock=f"run {run.id}")
    return run


def _compute(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    run = args["run"]
    compute_run(lambda: lease.work(runtime, WORKER), run, reporter(runtime, run))


def _post(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    post_or_fail(lambda: lease.work(runtime, WORKER), args["run"])


COMPUTE = Task("billing.compute", _compute)
POST = Task("billing.post", _post)
TASKS = (COMPUTE, POST)


def reporter(runtime: Runtime, run: str, ticks: Ticks = system_ticks) -> Report:
    """Return what writes down how far a run is, once a second, beside its transaction, so that others see it; and looks
    whether somebody asked it to stop."""
    last, stage, settled = 0, "", 0

    def report(now: str, done: int, total: int | None) -> None:
        nonlocal last, stage, settled
        # Settling tells how much it did since; all else tells how far it is.
        settled = settled + done if now == stage == "settling" else done
        at = ticks()
        if now == stage and at - last < BETWEEN_REPORTS_NS:
            return
        last, stage = at, now
        with runtime.work(WORKER) as ctx:
            asked = note_progress(ctx.session, run, now, settled if now == "settling" else done, total, ctx.now())
        if asked is not None:
            raise RunStopped(f"{asked} asked the run {run} to stop.", by=asked)

    return report
