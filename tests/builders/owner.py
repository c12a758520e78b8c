"""The owner of the tables, who may do what the application may not: to tamper, and to look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from app.store.scope import enter, present


@contextmanager
def as_owner(connection: Connection) -> Iterator[Connection]:
    """Work as the owner on a connection, inside whatever transaction it is in."""
    before = present(connection)
    connection.execute(text("SET LOCAL ROLE NONE"))
    yield connection
    enter(connection, before)
