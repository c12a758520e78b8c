"""One attempt at a job: the room's function, and what is logged and kept of how it ended."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.clock import system_ticks
from app.core.errors import AppError
from app.jobs.faults import Interrupted, LeaseLost, seconds_until_again
from app.jobs.lease import WorkerLease
from app.jobs.plan import Failure, failure_of
from app.jobs.repository import note_failure, note_start
from app.jobs.task import JobArgs, Task
from app.runtime import Runtime

log = structlog.get_logger("termline.jobs")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A job that a worker has taken."""

    task: Task
    args: JobArgs
    lease: WorkerLease
    worker: str


def run(runtime: Runtime, attempt: Attempt) -> None:
    """Run a job once. What it raises decides whether it is tried again, which is the caller's to do."""
    lease, begun = attempt.lease, system_ticks()
    said = log.bind(job=lease.job, task=attempt.task.name, attempt=lease.attempt, worker=attempt.worker)
    said.info("job.started")
    try:
        with lease.work(runtime, attempt.worker) as ctx:
            note_start(ctx.session, lease.job, attempt.worker, ctx.now())
        attempt.task.run(runtime, attempt.args, lease)
    except Interrupted:
        said.info("job.put_back")
        raise
    except LeaseLost:
        said.warning("job.taken_over")
        raise
    except Exception as error:
        wait = seconds_until_again(error, lease.attempt, attempt.task.attempts)
        if wait is not None:
            said.warning("job.tried_again_later", seconds=wait, fault=type(error).__name__)
            raise
        is_refusal, failure = isinstance(error, AppError) and error.kind != "fault", failure_of(error)
        said.error("job.failed", fault=failure.code, exc_info=None if is_refusal else error)
        with suppress(SQLAlchemyError):  # that it failed is kept all the same
            tell_failure(runtime, lease.job, attempt.worker, failure)
        raise
    said.info("job.done", milliseconds=(system_ticks() - begun) // 1_000_000)


def tell_failure(runtime: Runtime, job: int, worker: str, failure: Failure) -> None:
    """Keep why a job failed."""
    with runtime.work(worker) as ctx:
        note_failure(ctx.session, job, worker, ctx.now(), fault=failure.code, message=failure.message)
