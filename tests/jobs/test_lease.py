"""A unit of work is committed only while the job is its worker's, whoever has it by then."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.engine.reference import ReferenceMatcher
from app.jobs.enqueue import enqueue
from app.jobs.faults import Interrupted, LeaseLost, is_passing
from app.jobs.lease import WorkerLease
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.store.unit_of_work import unit_of_work
from tests.builders.own_database import own_database
from tests.faults.workers import until

TAKEN_AWAY = (
    "UPDATE procrastinate_jobs SET attempts = attempts + 1",
    "UPDATE procrastinate_jobs SET status = 'todo'",
    "UPDATE procrastinate_jobs SET status = 'succeeded'",
    "UPDATE procrastinate_jobs SET worker_id = (SELECT max(id) FROM procrastinate_workers)",
    "DELETE FROM procrastinate_workers",
    "DELETE FROM procrastinate_jobs",
)
LATE = (
    "CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON written DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION sleep()",
)


@pytest.fixture(scope="module")
def own(server_url: str) -> Iterator[Engine]:
    """A database with something to write to."""
    with own_database(server_url) as engine:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE written (n int)"))
            connection.execute(text("GRANT ALL ON written TO termline_app"))
        yield engine


@pytest.fixture
def engine(own: Engine) -> Engine:
    """The same, with two workers, of which the first has a job."""
    with own.begin() as connection:
        connection.execute(text("TRUNCATE procrastinate_jobs, procrastinate_workers, written RESTART IDENTITY CASCADE"))
    with unit_of_work(own) as session:
        enqueue(session, "a", {})
    with own.begin() as connection:
        for _ in range(2):
            connection.execute(text("SELECT procrastinate_register_worker_v1()"))
        connection.execute(text("SELECT procrastinate_fetch_job_v2(NULL, 1)"))
    return own


@pytest.fixture
def process(engine: Engine, catalogue: Catalogue) -> Runtime:
    """A worker's process."""
    return Runtime(engine, ReferenceMatcher(), catalogue)


def lease(*, seconds: int = 30, is_ending: bool = False) -> WorkerLease:
    """Return the lease of the first worker on the job."""
    return WorkerLease(1, 0, 1, seconds, lambda: is_ending)


def write(runtime: Runtime, held: WorkerLease, meanwhile: str | None = None) -> None:
    """Do a unit of work, in the middle of which something happens over another connection."""
    assert isinstance(runtime.bind, Engine)
    with held.work(runtime, "worker") as ctx:
        ctx.session.execute(text("INSERT INTO written VALUES (1)"))
        if meanwhile is not None:
            with runtime.bind.begin() as other:
                other.execute(text(meanwhile))


def written(engine: Engine) -> int:
    """Return how many units of work left something behind."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM written")) or 0)


def test_work_on_ones_own_job_is_committed(engine: Engine, process: Runtime) -> None:
    write(process, lease())
    write(process, lease())
    assert written(engine) == 2


@pytest.mark.parametrize("meanwhile", TAKEN_AWAY)
def test_work_on_a_job_that_was_taken_away_is_not(engine: Engine, process: Runtime, meanwhile: str) -> None:
    with pytest.raises(LeaseLost):
        write(process, lease(), meanwhile)
    with pytest.raises(LeaseLost), lease().work(process, "worker"):
        pytest.fail("it was begun again")
    assert written(engine) == 0


def test_a_job_cannot_be_taken_away_between_the_look_and_the_commit(engine: Engine, process: Runtime) -> None:
    """The commit takes a while, for what is deferred to it. Who wants to take the job meanwhile waits, and finds all done."""
    with engine.begin() as connection:
        for statement in LATE:
            connection.execute(text(statement))
    with ThreadPoolExecutor() as pool:
        done = pool.submit(write, process, lease())
        until(lambda: waits(engine))
        with engine.begin() as other:
            other.execute(text("UPDATE procrastinate_jobs SET attempts = attempts + 1"))
            assert other.scalar(text("SELECT count(*) FROM written")) == 1
        done.result()
    assert written(engine) == 1
    with engine.begin() as connection:
        connection.execute(text("DROP FUNCTION sleep CASCADE"))


def waits(engine: Engine) -> bool:
    """Tell whether a commit is going on."""
    with engine.connect() as connection:
        query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query = 'COMMIT')"
        return bool(connection.scalar(text(query)))


def test_a_session_that_is_silent_for_as_long_as_the_lease_is_ended(engine: Engine, process: Runtime) -> None:
    with pytest.raises(DBAPIError) as caught:
        write(process, lease(seconds=1), "SELECT pg_sleep(1.4)")
    assert is_passing(caught.value)
    assert written(engine) == 0


def test_no_unit_of_work_is_begun_by_a_worker_that_is_to_end(engine: Engine, process: Runtime) -> None:
    with pytest.raises(Interrupted):
        write(process, lease(is_ending=True))
    assert written(engine) == 0
