"""A database that workers commit to, empty at the start of each test, with the tables that the adding job adds to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.builders.own_database import own_database
from tests.faults.adding import make_tables
from tests.faults.workers import Workers, workers_on

EMPTY = "TRUNCATE procrastinate_jobs, procrastinate_workers, job_reports, added, added_so_far RESTART IDENTITY CASCADE"


@pytest.fixture(scope="session")
def faulty(server_url: str) -> Iterator[Engine]:
    """The database of all tests of faults."""
    with own_database(server_url) as engine:
        make_tables(engine)
        yield engine


@pytest.fixture
def engine(faulty: Engine) -> Engine:
    """The same, with nothing in it. The workers of the test before are dead by now."""
    with faulty.begin() as connection:
        connection.execute(text(EMPTY))
    return faulty


@pytest.fixture
def workers(engine: Engine, tmp_path: Path) -> Iterator[Workers]:
    """Workers whose leases last for a second."""
    with workers_on(engine, tmp_path, lease_s=1) as workers:
        yield workers
