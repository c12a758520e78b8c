"""Where a worker process can be stopped: points of the product's own code, reached from outside of it.

The product has no switch for this. SQLAlchemy tells what is about to be said to the database and what has been, and the
functions that answer the queue are wrapped in the worker process of the tests.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Engine, event

from app.jobs import library

POINTS = (
    "taken",  # the job is ours, nothing is done
    "unit_begun",  # in a unit of work, before its first statement of its own
    "unit_half_done",  # rows are written and the progress is not
    "before_hold",  # all is written, the lease is about to be checked
    "held",  # the row of the job is locked, the commit is next
    "committed",  # the database has it, nobody was told
    "done",  # the last unit is committed, the queue was not told
    "answered",  # the queue was told, and we stand before the next job
    "beat",  # a heartbeat was sent
)
# Besides, `said TEXT`: a statement with this text was said, and its transaction goes on.
ON_TAKING_OVER = ("before_giving", "given")  # between seeing a dead worker's job and having queued it, and after


class Stop:
    """What happens to the process when it comes to a point for the nth time."""

    def __init__(self, point: str, nth: int, how: signal.Signals) -> None:
        self.point, self.left, self.how = point, nth, how

    def at(self, point: str) -> None:
        """Say that a point is reached."""
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), self.how)


def watch(engine: Engine, stop: Stop) -> None:
    """Have a process stop at a point."""
    _watch_database(engine, stop)
    manager: Any = library._Manager
    _after(manager, "fetch_job", stop, "taken", only=lambda job: job is not None)
    _after(manager, "update_heartbeat", stop, "beat")
    _before(manager, "_answer", stop, "done")
    _after(manager, "_answer", stop, "answered")
    _before(manager, "_give", stop, "before_giving")
    _after(manager, "_give", stop, "given")


def _watch_database(engine: Engine, stop: Stop) -> None:
    state = {"held": False}

    def before(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "FOR UPDATE" in statement:
            stop.at("before_hold")

    def after(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "idle_in_transaction" in statement:
            stop.at("unit_begun")
        if "INSERT INTO added " in statement:
            stop.at("unit_half_done")
        if stop.point.startswith("said ") and stop.point.removeprefix("said ") in statement:
            stop.at(stop.point)
        if "FOR UPDATE" in statement:
            state["held"] = True
            stop.at("held")

    def given_back(*_: Any) -> None:
        if state.pop("held", False):
            stop.at("committed")

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "checkin", given_back)


def _before(owner: Any, name: str, stop: Stop, point: str) -> None:
    original: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def wrapped(*args: Any, **values: Any) -> Any:
        stop.at(point)
        return await original(*args, **values)

    setattr(owner, name, wrapped)


def _after(owner: Any, name: str, stop: Stop, point: str, only: Callable[[Any], bool] = lambda _: True) -> None:
    original: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def wrapped(*args: Any, **values: Any) -> Any:
        result = await original(*args, **values)
        if only(result):
            stop.at(point)
        return result

    setattr(owner, name, wrapped)
