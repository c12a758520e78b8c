"""Migrations make the schema that the models speak of, run both ways, and can be run by several processes at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Engine, inspect, text

from app.scenarios.scratch import scratch_database
from app.store import models  # noqa: F401 - registers the tables
from app.store.base import Base
from app.store.migrate import current_revision, migrate, migration_config, newest_revision
from app.store.queue_schema import PREFIX
from app.store.session import engine_for

MIGRATIONS = Path(__file__).parents[2] / "app" / "store" / "migrations" / "versions"


def test_the_migrated_schema_is_the_one_of_the_models(database: Engine) -> None:
    with database.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """Leave out the queue's tables: `test_queue_schema.py` holds them against their library."""
    return not (kind == "table" and str(name).startswith(PREFIX))


def test_migrations_run_both_ways(database: Engine) -> None:
    with scratch_database(database) as connection:
        assert current_revision(connection) == newest_revision()
        command.downgrade(migration_config(connection), "base")
        schema = connection.scalar(text("SELECT current_schema()"))
        assert inspect(connection).get_table_names(schema) == ["alembic_version"]
        assert everything_else(connection) == []
        assert migrate(connection, alone=True)[-1] == newest_revision()


def everything_else(connection: Connection) -> list[str]:
    """Return the routines and types of the present schema that belong to no table."""
    query = (
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
        " UNION SELECT oid::regtype::text FROM pg_type WHERE typnamespace = current_schema()::regnamespace"
        " AND typtype IN ('e', 'd')"
    )
    return list(connection.scalars(text(query)))


def test_constraints_are_in_the_database_and_not_only_in_the_models(database: Engine) -> None:
    with database.connect() as connection:
        found = set(connection.scalars(text("SELECT conname FROM pg_constraint WHERE contype = 'c'")))
    checks = {
        constraint.name
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert checks
    assert checks <= found


@pytest.mark.parametrize("processes", [4])
def test_several_may_migrate_at_once(database: Engine, processes: int) -> None:
    url = database.url.render_as_string(hide_password=False)
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE migrated_at_once"))
    engine = engine_for(url.replace(database.url.database or "", "migrated_at_once"))
    try:

        def run(_: int) -> list[str]:
            with engine.begin() as connection:
                return migrate(connection)

        with ThreadPoolExecutor(processes) as pool:
            applied = list(pool.map(run, range(processes)))
        steps = len(list((MIGRATIONS).glob("*.py")))
        assert sorted(map(len, applied)) == [0] * (processes - 1) + [steps]
    finally:
        engine.dispose()
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("DROP DATABASE migrated_at_once WITH (FORCE)"))


def test_what_was_known_before_reads_took_a_time_is_kept(database: Engine) -> None:
    """Facts that were declared later are known from then on, by the audit trail; conversions since they were received."""
    with scratch_database(database) as connection:
        config = migration_config(connection)
        command.downgrade(config, "2026_11_24_values_of_rules")
        for statement in (
            "INSERT INTO programs VALUES ('p', 'p', 'USD', 'UTC', '{}', '1997-01-01Z', '{\"first\": {}, \"later\": {}}')",
            "INSERT INTO audit_events (at, actor, action, subject, summary, after) VALUES"
            " ('1997-05-01 10:00:00.5+02', 'dana', 'program.facts_declared', 'p', '', '{\"facts\": {\"later\": {}}}')",
            "INSERT INTO conversions (program_id, id, event_at, received_at, facts, body_hash)"
            " VALUES ('p', 'c', '1997-03-01Z', '1997-03-02Z', '{}', '')",
        ):
            connection.execute(text(statement))
        command.upgrade(config, "2026_11_25_reads")
        assert connection.scalar(text("SELECT facts_declared_at FROM programs")) == {
            "later": "1997-05-01T08:00:00.500000Z"
        }
        assert connection.scalar(text("SELECT recorded_at = received_at FROM conversions")) is True


def test_orders_that_were_counted_twice_are_found_when_orders_become_known(database: Engine) -> None:
    """What has the same order as one before it is decided again; a number that is none, or of another program, is not."""
    given = (("p", "a", "02", "o1"), ("p", "b", "01", "o1"), ("p", "c", "03", "o2"), ("q", "d", "04", "o1"))
    with scratch_database(database) as connection:
        config = migration_config(connection)
        command.downgrade(config, "2026_11_25_partner_limits")
        for program in ("p", "q"):
            connection.execute(
                text(
                    f"INSERT INTO programs VALUES ('{program}', 'p', 'USD', 'UTC', '{{}}', '1997-01-01Z', '{{}}', '{{}}')"
                )
            )
        for program, name, day, order in (*given, ("p", "e", "05", None)):
            facts = "{}" if order is None else f'{{"order_id": "{order}"}}'
            values = {"program": program, "name": name, "at": f"1997-03-{day}Z", "facts": facts}
            connection.execute(
                text(
                    "INSERT INTO conversions (program_id, id, event_at, received_at, recorded_at, facts, body_hash)"
                    " VALUES (:program, :name, :at, :at, :at, CAST(:facts AS jsonb), '')"
                ),
                values,
            )
        command.upgrade(config, "2026_11_25_settlement")
        known = connection.execute(text("SELECT id, order_id, corrections FROM conversions ORDER BY id")).all()
        assert known == [("a", "o1", 0), ("b", "o1", 0), ("c", "o2", 0), ("d", "o1", 0), ("e", None, 0)]
        assert connection.scalars(text("SELECT conversion_id FROM unsettled_conversions")).all() == ["a"]
