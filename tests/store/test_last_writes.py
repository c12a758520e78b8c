"""What is to be written last is written when the unit of work is committed, whoever commits, and else not at all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from app.runtime import Runtime
from app.store.last_writes import write_last, write_waiting
from app.store.models import Partner
from app.store.session import session_on
from app.store.unit_of_work import unit_of_work

written: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_written() -> None:
    written.clear()


def write(session: Session, items: Sequence[str]) -> None:
    """Note what is written, and that the session is still in its transaction."""
    assert session.in_transaction()
    written.extend(items)


def test_it_is_written_when_the_work_ends_well_and_in_order(connection: Connection) -> None:
    with unit_of_work(connection) as session:
        write_last(session, write, "a")
        write_last(session, write, "b")
        assert written == []
    assert written == ["a", "b"]


def test_it_is_not_written_when_the_work_is_taken_back(connection: Connection) -> None:
    with pytest.raises(RuntimeError), unit_of_work(connection) as session:
        _write_and_fail(session, "a")
    session = session_on(connection)
    write_last(session, write, "b")
    session.rollback()
    session.commit()
    assert written == []


def test_who_commits_by_himself_writes_it_too(connection: Connection) -> None:
    session = session_on(connection)
    session.execute(text("SELECT 1"))
    write_last(session, write, "a")
    session.commit()
    assert written == ["a"]
    session.commit()
    assert written == ["a"]
    session.close()


def test_a_session_that_is_closed_forgets_it(connection: Connection) -> None:
    session = session_on(connection)
    session.execute(text("SELECT 1"))
    write_last(session, write, "a")
    session.close()
    session.execute(text("SELECT 1"))
    session.commit()
    session.close()
    assert written == []


def test_a_savepoint_takes_its_own_with_it_and_nothing_else(connection: Connection) -> None:
    with unit_of_work(connection) as session:
        write_last(session, write, "before")
        with session.begin_nested():
            write_last(session, write, "kept")
            inner = session.begin_nested()
            write_last(session, write, "lost")
            inner.rollback()
        with pytest.raises(RuntimeError), session.begin_nested():
            _write_and_fail(session, "lost as well")
        assert written == []
        write_last(session, write, "after")
    assert written == ["before", "kept", "after"]


def test_a_flush_that_fails_inside_a_savepoint_loses_what_is_inside_only(runtime: Runtime) -> None:
    with runtime.work("ann") as ctx:
        ctx.session.add(Partner(id="acme", name="acme", created_at=ctx.now()))
        write_last(ctx.session, write, "first")
        nested = ctx.session.begin_nested()
        write_last(ctx.session, write, "second")
        ctx.session.execute(text("SELECT 1"))
        nested.rollback()
    assert written == ["first"]


def test_a_session_that_would_forget_it_is_refused(database: Engine) -> None:
    with Session(database) as session, pytest.raises(AssertionError, match="without its last writes"):
        write_last(session, write, "a")


def test_what_fails_at_the_end_takes_everything_back(connection: Connection) -> None:
    def fail(session: Session, items: Sequence[str]) -> None:
        raise RuntimeError("late")

    def work() -> None:
        with unit_of_work(connection) as session:
            session.execute(text("INSERT INTO partners VALUES ('acme', 'acme', '1997-01-01Z')"))
            write_last(session, fail, "a")

    with pytest.raises(RuntimeError, match="late"):
        work()
    assert connection.scalar(text("SELECT count(*) FROM partners WHERE id = 'acme'")) == 0


def test_writing_early_writes_once(connection: Connection) -> None:
    with unit_of_work(connection) as session:
        write_last(session, write, "a")
        write_waiting(session)
        assert written == ["a"]
    assert written == ["a"]


def _write_and_fail(session: Session, item: str) -> None:
    write_last(session, write, item)
    with session.begin_nested():
        write_last(session, write, f"{item}, inside")
    raise RuntimeError
