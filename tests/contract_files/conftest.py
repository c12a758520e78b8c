"""An empty database for each test, in a schema of which nothing stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine

from app.core.clock import frozen_at
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.scenarios.scratch import scratch_database

LONG_AFTER = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def empty(database: Engine) -> Iterator[Connection]:
    with scratch_database(database) as connection:
        yield connection


@pytest.fixture(scope="module")
def process(empty: Connection, catalogue: Catalogue) -> Runtime:
    """A process with the reference engine, long after every story."""
    return Runtime(empty, ReferenceMatcher(), catalogue, clock=frozen_at(LONG_AFTER))
