"""Doing what is queued at once and in this process, where nobody else could see it: inside a transaction that is taken back,
for scenarios and tests. Workers are `worker.py`'s."""

from __future__ import annotations

from sqlalchemy import text

from app.core.errors import AppError
from app.jobs.plan import Failure, failure_of, task_unknown
from app.jobs.running import tell_failure
from app.jobs.task import JobArgs, Tasks, Unleased
from app.runtime import Runtime

_TAKE = text("SELECT id, task_name, args FROM procrastinate_fetch_job_v2(NULL, NULL) WHERE id IS NOT NULL")
_FINISH = text("SELECT procrastinate_finish_job_v1(:job, CAST(:status AS procrastinate_job_status), false)")
NAME = "at once"


def work_off(runtime: Runtime, tasks: Tasks) -> int:
    """Do every job that is due, and those that they queue, in order; return how many that were.

    A refusal is kept as a worker would keep it. A fault is raised: nothing is tried again.
    """
    count = 0
    while (taken := _take(runtime)) is not None:
        count += 1
        number, name, args = taken
        failure = _do(runtime, tasks, name, args)
        if failure is not None:
            tell_failure(runtime, number, NAME, failure)
        _finish(runtime, number, "failed" if failure else "succeeded")
    return count


def _take(runtime: Runtime) -> tuple[int, str, JobArgs] | None:
    with runtime.work(NAME) as ctx:
        row = ctx.session.execute(_TAKE).first()
    return None if row is None else (row.id, row.task_name, row.args)


def _do(runtime: Runtime, tasks: Tasks, name: str, args: JobArgs) -> Failure | None:
    if name not in tasks:
        return task_unknown(name)
    try:
        tasks[name].run(runtime, args, Unleased())
    except AppError as error:
        return failure_of(error)
    return None


def _finish(runtime: Runtime, number: int, status: str) -> None:
    with runtime.work(NAME) as ctx:
        ctx.session.execute(_FINISH, {"job": number, "status": status})
