"""A database of the module's own, for commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text


@pytest.fixture(scope="module")
def fresh_database(database: Engine) -> Iterator[str]:
    """An empty database that commands may commit to."""
    name = f"{database.url.database}_cli"
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield database.url.set(database=name).render_as_string(hide_password=False)
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
