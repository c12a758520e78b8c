"""The one place that commits, and that says in whose name: a request or a chunk of a job is one transaction, whole or
not at all, in the role of the application or in that of a partner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from app.store.scope import WHOLE, Scope, enter, present
from app.store.session import session_on


@contextmanager
def unit_of_work(bind: Engine | Connection, scope: Scope = WHOLE) -> Iterator[Session]:
    """Give a session; commit it when the block ends well, roll it back when anything is raised.

    On a connection that is inside a transaction, that goes on in the scope it was in.
    """
    with _unchanged(bind) if isinstance(bind, Connection) else nullcontext():
        session = session_on(bind, lambda connection: enter(connection, scope))
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()


@contextmanager
def _unchanged(connection: Connection) -> Iterator[None]:
    before = present(connection)
    yield
    enter(connection, before)  # a rollback has done so by itself
