"""The one place that commits: a request or a chunk of a job is one transaction, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from app.store.session import session_on


@contextmanager
def unit_of_work(bind: Engine | Connection) -> Iterator[Session]:
    """Give a session; commit it when the block ends well, roll it back when anything is raised."""
    session = session_on(bind)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
