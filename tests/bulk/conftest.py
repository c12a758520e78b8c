"""The engine that worlds are run on in bulk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.bulk.duckdb_runner import DuckDbRunner


@pytest.fixture
def runner() -> Iterator[DuckDbRunner]:
    """A database of the test's own, on one thread."""
    found = DuckDbRunner(threads=1)
    yield found
    found.close()
