"""What a room hands in: a function under a name. How it comes to be run is `worker.py`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from app.runtime import Context, Runtime

JobArgs = Mapping[str, Any]
ATTEMPTS = 50


class Lease(Protocol):
    """The right to work on a job, which ends when its worker is silent for too long."""

    def work(self, runtime: Runtime, actor: str) -> AbstractContextManager[Context]:
        """Give the context of one unit of work, which is committed only while the job is still ours."""


@dataclass(frozen=True, slots=True)
class Task:
    """A function that does a job, in units of work that it gets from the lease.

    It may be run again after any of them: because its worker died, or a fault passed. So each unit leaves behind how far the
    work has come, and a run begins with looking that up. `attempts` is how often in all.
    """

    name: str
    run: Callable[[Runtime, JobArgs, Lease], None]
    attempts: int = ATTEMPTS


Tasks = Mapping[str, Task]


def registry(*tasks: Task) -> Tasks:
    """Return tasks by their names.

    >>> registry(Task("a", print), Task("a", print))
    Traceback (most recent call last):
    ValueError: two tasks are named a
    """
    found: dict[str, Task] = {}
    for task in tasks:
        if task.name in found:
            raise ValueError(f"two tasks are named {task.name}")
        found[task.name] = task
    return found


class Unleased:
    """The lease of work that is done at once, by whoever asked for it: nobody else can have it."""

    @contextmanager
    def work(self, runtime: Runtime, actor: str) -> Iterator[Context]:
        """Give the context of one unit of work."""
        with runtime.work(actor) as ctx:
            yield ctx
