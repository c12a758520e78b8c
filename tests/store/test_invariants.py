"""The database itself refuses what must not be, whoever asks: each guard in raw SQL, and not one of them untried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.builders.whole_lives import whole_lives
from tests.store.invariants import ROWS, TABLES
from tests.store.refusals import Refused
from tests.store.run_invariants import RUN_TABLES

# Where one falls, another still stands: an author is an editor, and no editor approves.
BACKED_BY_ANOTHER = {"ck_contract_versions_author_does_not_approve", "ck_rule_versions_author_does_not_approve"}


@pytest.fixture(scope="module")
def world(database: Engine, catalogue: Catalogue) -> Iterator[Connection]:
    """The world of `whole_lives`, in a transaction that is taken back."""
    with database.connect() as connection, connection.begin() as transaction:
        with Runtime(connection, ReferenceMatcher(), catalogue).work("author") as ctx:
            whole_lives(ctx)
        yield connection
        transaction.rollback()


@pytest.mark.parametrize("row", ROWS, ids=[f"{number}-{row.guard}" for number, row in enumerate(ROWS)])
def test_the_database_refuses(world: Connection, row: Refused) -> None:
    assert refused_by(world, row, gone=row.without) == _as_named(world, row.guard)


def test_no_guard_is_untried(world: Connection) -> None:
    assert {row.guard for row in ROWS} == guards(world)


def test_each_guard_is_the_one_that_refuses(world: Connection) -> None:
    """Without it, what it refused goes through; else a row would say nothing about its guard."""
    open_without: set[str] = set()
    for row in ROWS:
        found = refused_by(world, row, gone=(*row.without, row.guard))
        if found is None:
            open_without.add(row.guard)
    assert {row.guard for row in ROWS} - open_without == BACKED_BY_ANOTHER


def refused_by(world: Connection, row: Refused, gone: Iterable[str]) -> str | None:
    """Return what refuses a statement, while some guards are gone, or None. Nothing of it stays."""
    with world.begin_nested() as savepoint:
        for guard in gone:
            _drop(world, guard)
        try:
            done = world.execute(text(row.sql))
            world.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        except DBAPIError as error:
            diag = error.orig.diag  # type: ignore[union-attr]
            return diag.constraint_name or (diag.context or "").split("function ")[-1].split("(")[0] or str(error.orig)
        finally:
            savepoint.rollback()
    assert done.rowcount != 0, "the statement touches no row"
    return None


def guards(world: Connection) -> set[str]:
    """Return every check, key, reference, unique index and trigger of the tables, as PostgreSQL has them."""
    constraints = world.scalars(
        text(
            "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u', 'p', 'f') AND conrelid::regclass::text = ANY (:tables)"
        ),
        {"tables": [*TABLES, *RUN_TABLES]},
    )
    indexes = world.scalars(
        text(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND indrelid::regclass::text = ANY (:tables)"
        ),
        {"tables": [*TABLES, *RUN_TABLES]},
    )
    triggers = world.scalars(
        text(
            "SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY (:tables)"
        ),
        {"tables": [*TABLES, *RUN_TABLES]},
    )
    return {*constraints, *indexes, *triggers}


def _as_named(world: Connection, guard: str) -> str:
    """Return what an error says of a guard: its own name, or the function of a trigger."""
    if "." not in guard:
        return guard
    table, trigger = guard.split(".")
    named = (
        "SELECT tgfoid::regproc::text FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) AND tgname = :trigger"
    )
    found = world.scalar(text(named), {"table": table, "trigger": trigger})
    assert found is not None, guard
    return str(found)


def _drop(world: Connection, guard: str) -> None:
    if "." in guard:
        table, trigger = guard.split(".")
        world.execute(text(f"DROP TRIGGER {trigger} ON {table}"))
        return
    of_table = text("SELECT conrelid::regclass::text FROM pg_constraint WHERE conname = :name")
    table = world.scalar(of_table, {"name": guard})
    statement = f"DROP INDEX {guard}" if table is None else f"ALTER TABLE {table} DROP CONSTRAINT {guard} CASCADE"
    world.execute(text(statement))
