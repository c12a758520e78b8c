"""Workers that die: whatever they were at, another one goes on, and each unit of work has happened once."""

from __future__ import annotations

import random
import time

import pytest
from sqlalchemy import Engine, text

from tests.faults.adding import queue_lists, wrong_lists
from tests.faults.points import ON_TAKING_OVER, POINTS
from tests.faults.workers import Workers, open_jobs, until, until_done

KILLS, SLOW_KILLS = 30, 500


def test_sixteen_workers_do_each_unit_once(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 60, total=25)
    for _ in range(16):
        workers.start()
    until_done(engine)
    assert wrong_lists(engine) == {}
    assert len([worker for worker in workers.all if worker.said("job.done")]) > 8
    assert sum(len(worker.said("job.done")) for worker in workers.all) == 60
    assert workers.faults() == []


def test_a_worker_may_die_at_any_point(engine: Engine, workers: Workers) -> None:
    """All at once: each dies at its own point, over lists that the others work on too; then two find what is left."""
    queue_lists(engine, 40, total=25, pause=0.01)
    dying = {point: workers.start(at=point, nth=1 if point == "beat" else 2) for point in POINTS}
    for point, worker in dying.items():
        worker.process.join(30)
        assert worker.process.exitcode == -9, point
    assert open_jobs(engine) > 0
    for point in ON_TAKING_OVER:
        worker = workers.start(at=point)
        worker.process.join(30)
        assert worker.process.exitcode == -9, point
    for _ in range(2):
        workers.start()
    until_done(engine)
    assert wrong_lists(engine) == {}
    assert workers.faults() == []


def test_workers_may_die_at_any_moment(engine: Engine, workers: Workers, request: pytest.FixtureRequest) -> None:
    kill_at_random(engine, workers, KILLS, request.config.getoption("--seed") or 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_workers_may_die_at_any_moment_five_hundred_times(
    engine: Engine, workers: Workers, request: pytest.FixtureRequest
) -> None:
    kill_at_random(engine, workers, SLOW_KILLS, request.config.getoption("--seed") or random.randrange(10**6))


def kill_at_random(engine: Engine, workers: Workers, kills: int, seed: int) -> None:
    """Kill a worker after a random while, start another, and so on while there is work; the last ones finish it."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    running = [workers.start() for _ in range(4)]
    for kill in range(kills):
        if open_jobs(engine) < 4:
            queue_lists(engine, 8, total=100, pause=0.005, name=f"list-{kill}")
        time.sleep(chance.uniform(0, 0.15))
        victim = running.pop(chance.randrange(len(running)))
        victim.kill()
        assert victim.process.exitcode == -9
        running.append(workers.start())
    until_done(engine, 120)
    assert wrong_lists(engine) == {}
    found = sum(len(worker.said("job.found")) for worker in workers.all)
    assert found > kills / 10, "hardly any of the killed workers had a job"
    print(f"{kills} kills, {found} jobs taken over")


def test_what_a_dead_worker_had_is_taken_up_in_a_little_more_than_its_lease(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 1, total=10_000, pause=0.05)
    first = workers.start()
    until(lambda: first.said("job.started"))
    second = workers.start()
    until(lambda: second.said("worker.ready"))
    assert second.said("job.started") == []  # never by two
    first.kill()
    waited = until(lambda: second.said("job.started"), 20)
    print(f"taken up after {waited:.2f} s with a lease of {workers.lease_s} s")
    # A lease, a beat to see it, a second to poll, and what a busy machine adds.
    assert 0.2 < waited < workers.lease_s + 0.25 + 1 + 3


def test_a_job_whose_workers_always_die_is_given_up(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 1, total=25, task="tests.add_once_at_most")
    workers.start(at="unit_half_done").process.join(30)
    last = workers.start()
    until(lambda: told(engine))
    assert told(engine) == [("worker_lost", "Its workers ended without an answer, 1 of them.")]
    assert len(last.said("job.failed")) == 1
    assert open_jobs(engine) == 0


def told(engine: Engine) -> list[tuple[str, str]]:
    """Return why jobs failed."""
    with engine.connect() as connection:
        query = text("SELECT fault, message FROM job_reports WHERE fault IS NOT NULL")
        return [(fault, message) for fault, message in connection.execute(query)]
