"""An empty database for scenarios that leaves nothing behind: a schema made inside a transaction that is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from app.store.migrate import migrate


@contextmanager
def scratch_database(engine: Engine) -> Iterator[Connection]:
    """Give a connection to an empty, migrated schema. Whatever happens, even kill -9, nothing of it stays.

    PostgreSQL makes and migrates schemas inside transactions, so this needs no right to create databases; it does
    need the right to create a schema.
    """
    with engine.connect() as connection:
        outer = connection.begin()
        try:
            name = f"termline_scratch_{connection.scalar(text('SELECT pg_backend_pid()'))}"
            connection.execute(text(f"CREATE SCHEMA {name}"))
            connection.execute(text(f"SET LOCAL search_path TO {name}"))
            migrate(connection, alone=True)
            yield connection
        finally:
            outer.rollback()


@contextmanager
def taken_back(connection: Connection) -> Iterator[Connection]:
    """Let things happen on a connection and take them back afterwards."""
    inner = connection.begin_nested()
    try:
        yield connection
    finally:
        inner.rollback()
