"""Workers that were only asleep: their jobs are others' when they wake, and what they were about to write is refused."""

from __future__ import annotations

import signal

import pytest
from sqlalchemy import Engine, text

from tests.faults.adding import queue_lists, wrong_lists
from tests.faults.points import POINTS
from tests.faults.workers import WorkerProcess, Workers, until, until_done

IN_A_UNIT = ("unit_begun", "unit_half_done", "before_hold", "held")
HAVING_A_JOB = ("taken", *IN_A_UNIT, "committed", "done")


def test_a_sleeper_that_wakes_up_changes_nothing(engine: Engine, workers: Workers) -> None:
    """One asleep at each point, each with a job of its own; another does all of them; then they wake."""
    sleepers = []
    for point in HAVING_A_JOB:
        queue_lists(engine, 1, total=50, name=point)
        sleepers.append(asleep(workers, point))
    other = workers.start()
    until_done(engine)
    assert wrong_lists(engine) == {}
    assert len(other.said("job.done")) == len(sleepers)
    for sleeper in sleepers:
        sleeper.signal(signal.SIGCONT)
    until(lambda: all(sleeper.said("job.no_longer_ours") for sleeper in sleepers))
    assert wrong_lists(engine) == {}
    other.kill()
    queue_lists(engine, 1, total=10, name="next")
    until_done(engine)  # by one that slept
    assert wrong_lists(engine) == {}
    assert workers.faults() == []


def test_a_sleeper_that_wakes_up_leaves_the_job_to_whoever_has_it(engine: Engine, workers: Workers) -> None:
    """It wants to put the job back, for its connection was ended; but it is not its job any more."""
    queue_lists(engine, 1, total=30, pause=0.1)
    sleeper = asleep(workers, "unit_half_done")
    other = workers.start()
    until(lambda: other.said("job.started"))
    sleeper.signal(signal.SIGCONT)
    until_done(engine)
    assert wrong_lists(engine) == {}
    assert len(other.said("job.done")) == 1
    assert len(sleeper.said("job.no_longer_ours")) == 1
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT attempts FROM procrastinate_jobs")) == 2


@pytest.mark.slow
def test_sleepers_wake_while_others_work_on_what_they_had(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 30, total=50, pause=0.01)
    sleepers = [asleep(workers, point) for point in POINTS]
    for _ in range(3):
        workers.start()
    until(lambda: all(worker.said("job.found") or worker.said("job.done") for worker in workers.all[len(POINTS) :]))
    for sleeper in sleepers:
        sleeper.signal(signal.SIGCONT)
    until_done(engine)
    assert wrong_lists(engine) == {}
    assert workers.faults() == []


@pytest.mark.slow
def test_without_the_lease_a_sleeper_does_harm_which_is_found(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 1, total=50, task="tests.add_without_a_lease")
    sleeper = asleep(workers, "unit_half_done")
    workers.start()
    until_done(engine)
    assert wrong_lists(engine) == {}
    sleeper.signal(signal.SIGCONT)
    until(lambda: wrong_lists(engine) != {})


def asleep(workers: Workers, point: str) -> WorkerProcess:
    """Return a worker that stopped at a point."""
    worker = workers.start(at=point, how=signal.SIGSTOP, nth=2 if point in IN_A_UNIT or point == "committed" else 1)
    until(worker.is_paused)
    return worker
