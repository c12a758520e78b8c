"""A database of each test's own, with the tables that the adding job adds to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.builders.own_database import own_database
from tests.faults.adding import make_tables
from tests.faults.workers import Workers, workers_on

Start = Callable[..., AbstractContextManager[Workers]]


@pytest.fixture
def engine(server_url: str) -> Iterator[Engine]:
    """A database in which workers commit."""
    with own_database(server_url) as engine:
        make_tables(engine)
        yield engine


@pytest.fixture
def workers(engine: Engine, tmp_path: Path) -> Iterator[Workers]:
    """Workers whose leases last for a second."""
    with workers_on(engine, tmp_path, lease_s=1) as workers:
        yield workers
