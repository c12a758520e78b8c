"""Many writers at once: one chain without gaps, in which every change has its event, and nobody waits in a circle."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from app.audit.repository import walked
from app.audit.verification import verify_chain
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.partners.repository import program_named
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.store.migrate import migrate
from app.store.session import engine_for
from tests.builders.trail import events

WRITERS, EACH = 8, 200


@pytest.fixture
def house(database: Engine, catalogue: Catalogue) -> Iterator[Runtime]:
    """A database of the test's own, for transactions that are really committed."""
    name = f"together_{uuid.uuid4().hex[:12]}"
    outside = database.connect().execution_options(isolation_level="AUTOCOMMIT")
    outside.execute(text(f'CREATE DATABASE "{name}"'))
    url = database.url.set(database=name).render_as_string(hide_password=False)
    engine = engine_for(url, pool_size=WRITERS)
    with engine.begin() as connection:
        migrate(connection)
    yield Runtime(engine, ReferenceMatcher(), catalogue)
    engine.dispose()
    outside.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    outside.close()


def test_writers_at_once_make_one_chain(house: Runtime) -> None:
    with house.work("ann") as ctx:
        for program in ("one", "two", "three"):
            create_program(ctx, id=program, currency="USD", timezone="UTC")
    failed: list[BaseException] = []

    def write(writer: int) -> None:
        """Each change takes a lock that others take too, some two; every tenth is taken back, as is every savepoint."""
        try:
            for number in range(EACH):
                _change(house, writer, number)
        except BaseException as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert failed == []
    with house.work("zoe") as ctx:
        found = verify_chain(walked(ctx.session))
        assert found.is_whole, found.breaks[:3]
        kept = {f"{writer}-{number}" for writer in range(WRITERS) for number in range(EACH) if number % 10 != 9}
        created = events(ctx, action="partner.created")
        assert len(created) == len(kept)
        assert {event.subject for event in created} == kept
        assert all(event.actor == f"writer {event.subject.split('-')[0]}" for event in created)
        assert set(ctx.session.scalars(text("SELECT id FROM partners"))) == kept
        assert found.events == len(kept) + 3


def _change(house: Runtime, writer: int, number: int) -> None:
    try:
        with house.work(f"writer {writer}") as ctx:
            # Always in the same order, as the operations do; the head of the chain comes after all of them.
            for program in ("one", "two", "three")[number % 3 :]:
                program_named(ctx.session, program, lock=number % 4 == 0)
            nested = ctx.session.begin_nested()
            create_partner(ctx, id=f"taken-back-{writer}-{number}")
            nested.rollback()
            create_partner(ctx, id=f"{writer}-{number}")
            if number % 10 == 9:
                raise _TakenBack
    except _TakenBack:
        pass


class _TakenBack(Exception):
    pass


def test_long_work_keeps_nobody_from_writing(house: Runtime) -> None:
    with house.work("slow") as slow:
        create_partner(slow, id="slow")
        slow.session.flush()
        with house.work("quick") as quick:
            quick.session.execute(text("SET LOCAL lock_timeout = '2s'"))
            create_partner(quick, id="quick")
    with house.work("zoe") as ctx:
        first, second = events(ctx, action="partner.created")
        assert (first.actor, second.actor) == ("quick", "slow")
        assert second.at < first.at, "the instant is that of the work, the place that of the commit"
        assert verify_chain(walked(ctx.session)).is_whole
