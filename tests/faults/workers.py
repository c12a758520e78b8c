"""Worker processes for tests: started, killed, paused, woken, and what they logged."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from app.jobs.plan import Plan
from tests.faults.points import Stop
from tests.faults.worker_process import run

# Forked from a process that has everything imported: a worker is there in a tenth of a second.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.worker_process"])
PATIENCE_S = 60.0
OPEN = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"


@dataclass
class WorkerProcess:
    """One worker, which can be looked at after its death too."""

    name: str
    process: ForkServerProcess
    log: Path

    def said(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return what it logged, or one sort of it."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [line for line in lines if event in (None, line["event"])]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.process.is_alive():
            assert self.process.pid
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it at once, as the kernel does when memory is short."""
        self.signal(signal.SIGKILL)
        self.process.join(PATIENCE_S)

    def stop(self) -> int | None:
        """Ask it to end and return its exit code."""
        self.signal(signal.SIGTERM)
        self.process.join(PATIENCE_S)
        return self.process.exitcode

    def is_paused(self) -> bool:
        """Tell whether it lies stopped."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().split()[2] == "T"


class Workers:
    """The workers of one test on one database."""

    def __init__(self, url: str, folder: Path, lease_s: int) -> None:
        self.url, self.folder, self.lease_s = url, folder, lease_s
        self.all: list[WorkerProcess] = []

    def start(self, *, at: str = "", nth: int = 1, how: signal.Signals = signal.SIGKILL, **plan: Any) -> WorkerProcess:
        """Start a worker; with `at`, it is stopped when it comes to that point for the nth time."""
        name = f"worker-{len(self.all)}"
        stop = Stop(at, nth, how) if at else None
        logged = self.folder / f"{name}.log"
        process = _FORKS.Process(
            target=run, args=(self.url, Plan(name, self.lease_s, **plan), logged, stop), daemon=True
        )
        process.start()
        self.all.append(WorkerProcess(name, process, logged))
        return self.all[-1]

    def end(self) -> None:
        """End all of them."""
        for worker in self.all:
            worker.kill()

    def faults(self) -> list[dict[str, Any]]:
        """Return what any worker logged as an error."""
        return [line for worker in self.all for line in worker.said() if line["level"] == "error"]


@contextmanager
def workers_on(engine: Engine, folder: Path, *, lease_s: int) -> Iterator[Workers]:
    """Give workers on a database; none is left in the end."""
    workers = Workers(engine.url.render_as_string(hide_password=False), folder, lease_s)
    try:
        yield workers
    finally:
        workers.end()


def until(is_so: Callable[[], Any], patience_s: float = PATIENCE_S) -> float:
    """Wait until something is so and return how many seconds that took; fail when it takes too long."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < patience_s, "it did not come to be in time"
        time.sleep(0.02)
    return time.monotonic() - begun


def until_done(engine: Engine, patience_s: float = PATIENCE_S) -> float:
    """Wait until no job is queued or running."""
    return until(lambda: open_jobs(engine) == 0, patience_s)


def open_jobs(engine: Engine) -> int:
    """Return how many jobs are queued or running."""
    with engine.connect() as connection:
        return int(connection.scalar(text(OPEN)) or 0)
