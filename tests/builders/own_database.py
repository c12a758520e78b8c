"""A database of a test's own, in which everything is committed, for tests that need several connections at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from app.store.migrate import migrate
from app.store.session import engine_for


@contextmanager
def own_database(server_url: str, *, pool_size: int = 5) -> Iterator[Engine]:
    """Give an engine on a new database, migrated, which is dropped in the end."""
    name = f"own_{uuid.uuid4().hex[:12]}"
    _outside_transactions(server_url, f'CREATE DATABASE "{name}"')
    engine = engine_for(
        make_url(server_url).set(database=name).render_as_string(hide_password=False), pool_size=pool_size
    )
    try:
        with engine.begin() as connection:
            migrate(connection)
        yield engine
    finally:
        engine.dispose()
        _outside_transactions(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _outside_transactions(url: str, statement: str) -> None:
    engine = engine_for(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()
