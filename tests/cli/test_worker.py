"""`termline worker`, `termline jobs` and `termline serve --jobs`, as a person runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from app.cli import group
from app.jobs.enqueue import enqueue
from app.store.migrate import migrate
from app.store.session import engine_for
from app.store.unit_of_work import unit_of_work
from tests.faults.workers import until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """The database the commands work on."""
    engine = engine_for(fresh_database)
    with engine.begin() as connection:
        migrate(connection)
        connection.execute(
            text("TRUNCATE procrastinate_jobs, procrastinate_workers, job_reports RESTART IDENTITY CASCADE")
        )
    yield engine
    engine.dispose()


class Command:
    """A command that runs until it is ended, and what it logs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log

    def said(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one sort that it logged; what is no JSON is another program's."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line.get("event") == event]


@contextmanager
def running(tmp_path: Path, url: str, *arguments: str) -> Iterator[Command]:
    """Run a command in the background."""
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", *arguments],
            cwd=tmp_path,
            env={**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
            stderr=file,
        )
    try:
        yield Command(process, log)
    finally:
        process.kill()
        process.wait(30)


def run(url: str, *arguments: str) -> Result:
    """Run a command in this process, to its end."""
    return CliRunner().invoke(group, ["jobs", *arguments], env={"DATABASE_URL": url})


def test_a_worker_runs_jobs_and_people_see_how_they_ended(engine: Engine, fresh_database: str, tmp_path: Path) -> None:
    with unit_of_work(engine) as session:
        enqueue(session, "of_another_release", {"n": 1})
    [queued] = map(json.loads, run(fresh_database, "list", "--json").stdout.splitlines())
    assert (queued["number"], queued["task"], queued["state"], queued["args"]) == (
        1,
        "of_another_release",
        "queued",
        {"n": 1},
    )

    begun = time.monotonic()
    with running(tmp_path, fresh_database, "worker", "--name", "nightly") as worker:
        until(lambda: worker.said("worker.ready"))
        print(f"ready after {time.monotonic() - begun:.2f} s")
        until(lambda: json.loads(run(fresh_database, "list", "--json").stdout)["fault"] == "task_unknown")
        worker.process.terminate()
        assert worker.process.wait(30) == 0
        assert worker.said("worker.stopped")
    assert worker.said("worker.ready")[0]["lease_seconds"] == 30

    shown = run(fresh_database, "list").stdout
    assert shown.startswith("1  of_another_release  failed at 20")
    assert shown.endswith("after 1 attempt: No worker of this release knows how to do of_another_release.\n")
    assert run(fresh_database, "retry", "1").stdout == "Job 1 is queued.\n"
    assert run(fresh_database, "retry", "1").exit_code == 2
    assert run(fresh_database, "list", "--state", "failed").stdout == "No jobs.\n"


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_beside_the_server_ends_with_it(
    engine: Engine, fresh_database: str, tmp_path: Path, how: signal.Signals
) -> None:
    with running(tmp_path, fresh_database, "serve", "--jobs", "--port", "0", "--workers", "1") as server:
        until(lambda: server.said("worker.ready"))
        assert registered(engine) == 1
        server.process.send_signal(how)
        server.process.wait(30)
        until(lambda: registered(engine) == 0, 20)


def registered(engine: Engine) -> int:
    """Return how many workers there are."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM procrastinate_workers")) or 0)
