"""A job is queued in the transaction of what it is for, and in nobody else's name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.jobs.enqueue import enqueue
from app.jobs.repository import jobs
from app.runtime import Context, Runtime
from app.scenarios.scratch import scratch_database
from app.store.scope import Scope, enter
from app.store.unit_of_work import unit_of_work
from tests.builders.own_database import own_database
from tests.faults.workers import until

QUEUED = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"


class Broken(Exception):
    """What goes wrong after a job was queued."""


def break_off(engine: Engine) -> None:
    """Queue a job in work that does not end well."""
    with unit_of_work(engine) as session:
        enqueue(session, "a", {"n": 1})
        assert session.scalar(text(QUEUED)) == 1
        raise Broken


def test_a_job_is_there_when_its_transaction_is_committed_and_else_never(server_url: str) -> None:
    with own_database(server_url) as engine:
        with pytest.raises(Broken):
            break_off(engine)
        with unit_of_work(engine) as session:
            assert session.scalar(text(QUEUED)) == 0
            number = enqueue(session, "a", {"n": 2, "to": ["x", {"y": None}]})
            with engine.connect() as other:
                assert other.scalar(text(QUEUED)) == 0
        with unit_of_work(engine) as session:
            [job] = jobs(session)
    assert (job.number, job.task, job.state, job.attempts) == (number, "a", "queued", 0)
    assert job.args == {"n": 2, "to": ["x", {"y": None}]}


def test_of_one_queueing_lock_one_job_waits_and_the_transaction_goes_on(ctx: Context) -> None:
    assert enqueue(ctx.session, "a", {"n": 1}, queueing_lock="july") is not None
    assert enqueue(ctx.session, "a", {"n": 2}, queueing_lock="july") is None
    assert enqueue(ctx.session, "a", {"n": 3}, queueing_lock="august") is not None
    assert [job.args["n"] for job in jobs(ctx.session)] == [3, 1]


def test_a_job_that_waits_for_several_sees_what_each_of_them_wrote(server_url: str) -> None:
    """It is not begun while somebody who found it waiting is not done; else it would miss what that one writes."""
    with own_database(server_url) as engine:
        with unit_of_work(engine) as session:
            first = enqueue(session, "a", {}, queueing_lock="july")
        with unit_of_work(engine) as session:
            assert enqueue(session, "a", {}, queueing_lock="july") is None
            assert taken(engine) is None
        assert taken(engine) == first
        with unit_of_work(engine) as session:  # it runs by now: another one is to come after it
            second = enqueue(session, "a", {}, queueing_lock="july")
        assert second not in (None, first)


def test_two_at_once_queue_one_job(server_url: str) -> None:
    """The second waits for the first, and then finds its job, or that it was taken in between, and queues its own."""
    with own_database(server_url) as engine, ThreadPoolExecutor() as pool:

        def queue() -> int | None:
            with unit_of_work(engine) as session:
                return enqueue(session, "a", {}, queueing_lock="july")

        with unit_of_work(engine) as session:
            first = enqueue(session, "a", {}, queueing_lock="july")
            others = [pool.submit(queue) for _ in range(4)]
            until(lambda: waiting(engine) == 4)
        assert [other.result(20) for other in others] == [None] * 4
        assert taken(engine) == first


def taken(engine: Engine) -> int | None:
    """Take a job as a worker does and return its number."""
    with engine.begin() as connection:
        found: int | None = connection.scalar(text("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)"))
        return found


def waiting(engine: Engine) -> int:
    """Return how many sessions wait for another transaction."""
    with engine.connect() as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid' AND datname = current_database()"
        )
        return int(connection.scalar(text(query)) or 0)


def test_a_job_says_when_it_may_begin_at_the_earliest(ctx: Context) -> None:
    later = datetime(2099, 1, 1, tzinfo=UTC)
    enqueue(ctx.session, "a", {}, not_before=later)
    assert [job.not_before for job in jobs(ctx.session)] == [later]


def test_the_application_queues_and_a_partner_does_not(connection: Connection, runtime: Runtime) -> None:
    with runtime.work("tester") as ctx:
        assert ctx.session.scalar(text("SELECT current_user")) == "termline_app"
        enqueue(ctx.session, "a", {})
    enter(connection, Scope("termline_partner", "acme"))
    with pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("SELECT * FROM procrastinate_jobs"))


def test_the_queue_of_a_scratch_database_is_its_own(database: Engine) -> None:
    with scratch_database(database) as connection:
        with unit_of_work(connection) as session:
            enqueue(session, "a", {})
            assert session.scalar(text(QUEUED)) == 1
        with database.connect() as outside:
            assert outside.scalar(text(QUEUED)) == 0
