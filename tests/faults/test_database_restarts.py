"""A database that goes away under its workers, and comes back: they go on by themselves, and nothing is done twice."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.faults.adding import queue_lists, wrong_lists
from tests.faults.server import own_server
from tests.faults.workers import WorkerProcess, until, until_done, workers_on

STOPPED, CRASHED = (signal.SIGINT, 0.0), (signal.SIGQUIT, 1.2)  # for less than a lease, and for longer


@pytest.mark.parametrize("times", [[CRASHED], pytest.param([STOPPED, CRASHED] * 5, marks=pytest.mark.slow)])
def test_workers_go_on_when_the_database_is_back(tmp_path: Path, times: list[tuple[signal.Signals, float]]) -> None:
    with own_server(tmp_path / "home") as server, workers_on(server.engine, tmp_path, lease_s=1) as workers:
        queue_lists(server.engine, 10 * len(times), total=100, pause=0.005)
        begun = [0] * 3
        some = [workers.start() for _ in range(3)]
        for how, seconds in times:
            until(lambda: all(now > before for now, before in zip(starts(some), begun, strict=True)))
            begun[:] = starts(some)
            server.stop(how)
            time.sleep(seconds)
            server.start()
        waited = until_done(server.engine)
        print(f"done {waited:.1f} s after the database was back")
        assert wrong_lists(server.engine) == {}
        assert [worker.process.exitcode for worker in some] == [None] * 3
        assert all(worker.said("job.tried_again_later") for worker in some)
        assert workers.faults() == []
        assert [worker.stop() for worker in some] == [0] * 3


def starts(workers: list[WorkerProcess]) -> list[int]:
    """Return how many jobs each worker has begun."""
    return [len(worker.said("job.started")) for worker in workers]
