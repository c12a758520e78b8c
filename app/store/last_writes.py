"""What a unit of work writes at its very end, just before it is committed: kept in memory until then, in order.

What is to be written, and how, is the business of whoever hands it in. A savepoint or transaction that is taken back
takes with it what was handed in inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

Write = Callable[[Session, Sequence[Any]], None]
_WAITING, _MARKS = "termline_last_writes", "termline_last_writes_marks"


class UnitSession(Session):
    """A session that never commits without its last writes. They are no option of whoever commits."""


def write_last(session: Session, write: Write, item: Any) -> None:
    """Have an item written at the end of the unit of work; all items of one `write` are handed to it at once."""
    assert isinstance(session, UnitSession), "this session would commit without its last writes; take `session_on`'s"
    if not session.in_transaction():
        session.begin()  # a rollback of a session that never began would not be one
    _waiting(session).append((write, item))


def write_waiting(session: Session) -> None:
    """Write what waits, now. Committing does this by itself."""
    # What else there is to be written comes first, so that the locks taken here are held as shortly as can be.
    session.flush()
    waiting = _waiting(session)
    items, waiting[:] = list(waiting), []
    for write in dict.fromkeys(write for write, _ in items):
        write(session, [item for by, item in items if by is write])


def _waiting(session: Session) -> list[tuple[Write, Any]]:
    found: list[tuple[Write, Any]] = session.info.setdefault(_WAITING, [])
    return found


@event.listens_for(UnitSession, "before_commit")
def _before_commit(session: Session) -> None:
    if not session.in_nested_transaction() and _waiting(session):
        write_waiting(session)


@event.listens_for(UnitSession, "after_transaction_create")
def _remember_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.info.setdefault(_MARKS, {})[transaction] = len(_waiting(session))


@event.listens_for(UnitSession, "after_soft_rollback")
def _forget_what_is_taken_back(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested and transaction in session.info.get(_MARKS, {}):
        del _waiting(session)[session.info[_MARKS][transaction] :]


@event.listens_for(UnitSession, "after_transaction_end")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _waiting(session).clear()
        session.info.pop(_MARKS, None)
