"""What is queued can be done at once, inside a transaction of which nobody else knows."""

from __future__ import annotations

import pytest

from app.core.errors import AppError
from app.jobs.at_once import work_off
from app.jobs.enqueue import enqueue
from app.jobs.repository import jobs
from app.jobs.task import JobArgs, Lease, Task, registry
from app.runtime import Runtime


class NotToday(AppError):
    """What a room refuses."""

    code, kind = "not_today", "conflict"


def countdown(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    """Queue the next one, down to a refusal."""
    if args["n"] == 0:
        raise NotToday("There is no day before this one.")
    with lease.work(runtime, "tester") as ctx:
        enqueue(ctx.session, "countdown", {"n": args["n"] - 1})


def fall(runtime: Runtime, args: JobArgs, lease: Lease) -> None:
    """Fail as nobody foresaw."""
    raise KeyError("n")


TASKS = registry(Task("countdown", countdown), Task("fall", fall))


def test_all_that_is_queued_is_done_in_order(runtime: Runtime) -> None:
    with runtime.work("tester") as ctx:
        enqueue(ctx.session, "countdown", {"n": 2})
        enqueue(ctx.session, "of_another_release", {})
    assert work_off(runtime, TASKS) == 4
    assert work_off(runtime, TASKS) == 0
    with runtime.work("tester") as ctx:
        found = [(job.task, job.args.get("n"), job.state, job.fault, job.message) for job in jobs(ctx.session)]
    assert found == [
        ("countdown", 0, "failed", "not_today", "There is no day before this one."),
        ("countdown", 1, "done", None, None),
        (
            "of_another_release",
            None,
            "failed",
            "task_unknown",
            "No worker of this release knows how to do of_another_release.",
        ),
        ("countdown", 2, "done", None, None),
    ]


def test_a_fault_is_raised(runtime: Runtime) -> None:
    with runtime.work("tester") as ctx:
        enqueue(ctx.session, "fall", {})
    with pytest.raises(KeyError):
        work_off(runtime, TASKS)
