"""A worker process from its start to its end: lives with the queue, one after the other, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy import Engine

from app.jobs.library import DATABASE_FAULTS, live
from app.jobs.plan import Plan
from app.jobs.task import Tasks
from app.runtime import Runtime

log = structlog.get_logger("termline.jobs")
PATIENCE_S = 0.5


def work(runtime: Runtime, tasks: Tasks, plan: Plan, *, parent: int | None = None) -> None:
    """Run jobs until SIGTERM or SIGINT, which end it after the present unit of work; or until `parent` is no longer the
    parent process; or, `once`, until none is due."""
    _hear_libraries()
    asyncio.run(_work(runtime, tasks, plan, parent))
    log.info("worker.stopped", worker=plan.name)


async def _work(runtime: Runtime, tasks: Tasks, plan: Plan, parent: int | None) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    loop.set_default_executor(ThreadPoolExecutor(plan.concurrency + 2, "job"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, plan, stopping)
    watch = asyncio.create_task(_end_with(parent, stopping)) if parent is not None else None
    while not stopping.is_set():
        try:
            await asyncio.to_thread(_ask, runtime)
            if await live(runtime, tasks, plan, stopping):
                break
            log.warning("worker.begins_again", worker=plan.name)
        except DATABASE_FAULTS as error:
            log.warning("database.lost", worker=plan.name, fault=type(error).__name__)
        await _pause(stopping)
    if watch is not None:
        watch.cancel()


def _stop(plan: Plan, stopping: asyncio.Event) -> None:
    log.info("worker.stopping", worker=plan.name)
    stopping.set()


def _ask(runtime: Runtime) -> None:
    """Wait for no pool to try: they pause ever longer."""
    assert isinstance(runtime.bind, Engine)
    with runtime.bind.connect():
        pass


async def _pause(stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), PATIENCE_S)
    except TimeoutError:
        return


async def _end_with(parent: int, stopping: asyncio.Event) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(PATIENCE_S)
    stopping.set()


class _Heard(logging.Handler):
    """What libraries log of trouble, as lines of our own log. How a job ended we say ourselves."""

    def emit(self, record: logging.LogRecord) -> None:
        if not str(getattr(record, "action", "")).startswith("job_"):
            log.warning("library.says", logger=record.name, message=record.getMessage())


def _hear_libraries() -> None:
    for name, level in (("procrastinate", logging.ERROR), ("psycopg", logging.ERROR), ("asyncio", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [_Heard(level)], False
        logger.setLevel(level)
