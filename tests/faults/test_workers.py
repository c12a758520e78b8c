"""How a worker ends a job and itself: refusals, faults, signals, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.core.clock import system_clock
from app.jobs.enqueue import enqueue
from app.jobs.repository import Job, job, jobs, queue_again
from app.store.unit_of_work import unit_of_work
from tests.faults.adding import queue_lists, wrong_lists
from tests.faults.workers import Workers, until, until_done


def test_how_jobs_end(engine: Engine, workers: Workers) -> None:
    numbers = {
        task: queue_one(engine, f"tests.{task}", task, **args)
        for task, args in {"refuse": {}, "fall": {}, "collide": {"times": 2}, "nothing_like_it": {}}.items()
    }
    hopeless = queue_one(engine, "tests.collide", "hopeless", times=99)
    worker = workers.start()
    until(lambda: all(shown(engine, number).state in ("done", "failed") for number in [*numbers.values(), hopeless]))
    until(lambda: shown(engine, numbers["nothing_like_it"]).fault)

    refused = shown(engine, numbers["refuse"])
    assert (refused.state, refused.attempts, refused.fault, refused.message) == (
        "failed",
        1,
        "not_today",
        "The month is closed.",
    )
    fallen = shown(engine, numbers["fall"])
    assert (fallen.state, fallen.fault) == ("failed", "fault")
    assert fallen.message == "A fault of ours: KeyError; see the log."
    assert runs(engine) == {"refuse": 1, "fall": 1, "collide": 2, "hopeless": 2, "nothing_like_it": 0}
    assert shown(engine, numbers["collide"]).state == "done"
    assert shown(engine, hopeless).state == "failed"
    assert shown(engine, numbers["nothing_like_it"]).fault == "task_unknown"
    waits = [line["seconds"] for line in worker.said("job.tried_again_later") if line["job"] == hopeless]
    assert waits == [1]
    assert all(shown(engine, number).worker == worker.name for number in numbers.values())
    assert "KeyError" in worker.said("job.failed")[1]["exception"]

    with unit_of_work(engine) as session:
        assert not queue_again(session, numbers["collide"], system_clock())
        assert queue_again(session, numbers["refuse"], system_clock())
    until(lambda: runs(engine)["refuse"] == 2)


def test_a_worker_that_is_told_to_stop_ends_after_its_present_unit_of_work(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 1, total=1000, pause=0.2)
    first = workers.start()
    until(lambda: progress(engine) >= 10)
    assert first.stop() == 0
    assert [line["event"] for line in first.said()][-3:] == ["worker.stopping", "job.put_back", "worker.stopped"]
    before = progress(engine)
    assert before < 1000
    second = workers.start()
    assert until(lambda: second.said("job.started")) < 3  # at once, without waiting for a lease
    until(lambda: progress(engine) > before)
    with engine.connect() as connection:
        assert (
            connection.scalar(text("SELECT count(*) FROM added WHERE number > (SELECT up_to FROM added_so_far)")) == 0
        )


def test_a_worker_that_works_once_ends_when_nothing_is_due(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 5, total=25)
    worker = workers.start(once=True, concurrency=2)
    worker.process.join(30)
    assert worker.process.exitcode == 0
    assert wrong_lists(engine) == {}
    assert len(worker.said("job.done")) == 5


def test_several_jobs_at_once_in_one_worker(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 4, total=10, pause=0.3)
    workers.start(concurrency=4)
    until(lambda: len([found for found in listed(engine) if found.state == "running"]) == 4)
    until_done(engine)
    assert wrong_lists(engine) == {}


def test_a_new_job_is_begun_without_waiting_for_the_next_look(engine: Engine, workers: Workers) -> None:
    worker = workers.start()
    until(lambda: worker.said("worker.ready"))
    for number in range(5):
        queue_lists(engine, 1, total=5, name=f"list-{number}")
        until(lambda number=number: len(worker.said("job.done")) == number + 1, 10)  # type: ignore[misc]


def test_a_worker_that_others_took_for_dead_begins_again(engine: Engine, workers: Workers) -> None:
    worker = workers.start()
    until(lambda: worker.said("worker.ready"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_workers"))
    queue_lists(engine, 3, total=5)
    until_done(engine)
    assert wrong_lists(engine) == {}
    assert len(worker.said("worker.ready")) == 2
    assert len(worker.said("job.done")) == 3


def test_what_was_done_long_ago_is_deleted_and_what_failed_is_not(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 2, total=5)
    refused = queue_one(engine, "tests.refuse", "refused")
    workers.start(once=True).process.join(30)
    with engine.begin() as connection:
        made_old = "UPDATE procrastinate_events SET at = at - interval '31 days' WHERE job_id <> 2"
        connection.execute(text(made_old))
    workers.start()
    until(lambda: len(listed(engine)) == 2)
    assert {found.number for found in listed(engine)} == {2, refused}
    until(lambda: reported(engine) == {2, refused})


def reported(engine: Engine) -> set[int]:
    """Return the jobs of which workers said something."""
    with engine.connect() as connection:
        return set(connection.scalars(text("SELECT job_id FROM job_reports")))


@pytest.mark.slow
def test_long_work_keeps_its_lease(engine: Engine, workers: Workers) -> None:
    queue_lists(engine, 1, total=10, pause=0.9)
    for _ in range(3):
        workers.start()
    until_done(engine)
    assert wrong_lists(engine) == {}
    assert [len(worker.said("job.found")) for worker in workers.all] == [0, 0, 0]


def queue_one(engine: Engine, task: str, name: str, **args: Any) -> int:
    """Queue one job with a list to count in."""
    with unit_of_work(engine) as session:
        session.execute(text("INSERT INTO added_so_far VALUES (:list, 0, 0)"), {"list": name})
        number = enqueue(session, task, {"list": name, **args})
    assert number is not None
    return number


def shown(engine: Engine, number: int) -> Job:
    """Return a job as people see it."""
    with unit_of_work(engine) as session:
        found = job(session, number)
    assert found is not None
    return found


def listed(engine: Engine) -> list[Job]:
    """Return all jobs."""
    with unit_of_work(engine) as session:
        return jobs(session)


def runs(engine: Engine) -> dict[str, int]:
    """Return how often each job was run."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT list, up_to FROM added_so_far")).all()
    return {row.list: row.up_to for row in found}


def progress(engine: Engine) -> int:
    """Return how far the first list is."""
    return next(iter(runs(engine).values()))
