"""The tables of the job queue are those that the installed library works with, and a release that changes them is noticed."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, text

from app.scenarios.scratch import scratch_database
from app.store.migrate import migrate
from app.store.queue_schema import PREFIX, change_names, run, schema_changes, whole_schema

SHAPE = {
    # Not in which order: what was added later stands last.
    "columns": "SELECT table_name, column_name, data_type, udt_name, column_default, is_nullable, is_identity"
    " FROM information_schema.columns WHERE table_schema = current_schema() AND starts_with(table_name, 'procrastinate_')",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = current_schema()::regnamespace AND starts_with(conrelid::regclass::text, 'procrastinate_')",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes"
    " WHERE schemaname = current_schema() AND starts_with(tablename, 'procrastinate_')",
    "routines": "SELECT proname, pg_get_functiondef(oid) FROM pg_proc"
    " WHERE pronamespace = current_schema()::regnamespace AND starts_with(proname, 'procrastinate_')",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(pg_trigger.oid), tgenabled FROM pg_trigger"
    " JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal AND starts_with(relname, 'procrastinate_')"
    " AND relnamespace = current_schema()::regnamespace",
    "words": "SELECT typname, enumlabel, rank() OVER (PARTITION BY typname ORDER BY enumsortorder) FROM pg_type JOIN pg_enum ON enumtypid = pg_type.oid"
    " WHERE typnamespace = current_schema()::regnamespace",
    "records": "SELECT relname, attname, atttypid::regtype::text, attnum FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
    " WHERE relkind = 'c' AND relnamespace = current_schema()::regnamespace",
}


def test_what_we_migrate_to_is_what_the_installed_library_expects(database: Engine) -> None:
    """When this fails, the library's newer migrations want one of ours: `schema_changes(UP_TO, the newest)`."""
    with scratch_database(database) as connection:
        ours = shape(connection)
        connection.execute(text("CREATE SCHEMA the_librarys"))
        connection.execute(text("SET LOCAL search_path TO the_librarys"))
        run(connection, [whole_schema()])
        theirs = shape(connection)
    for kind in SHAPE:
        assert ours[kind] == theirs[kind] != [], kind
    assert all("%%" not in text for _, text in ours["routines"])


def test_a_difference_in_the_tables_is_seen(database: Engine) -> None:
    with scratch_database(database) as connection:
        before = shape(connection)
        connection.execute(text("ALTER TABLE procrastinate_jobs ALTER lock SET DEFAULT 'x'"))
        connection.execute(text("DROP TRIGGER procrastinate_trigger_delete_jobs_v1 ON procrastinate_jobs"))
        after = shape(connection)
    assert {kind for kind in SHAPE if before[kind] != after[kind]} == {"columns", "triggers"}


def test_a_later_migration_goes_on_where_an_earlier_one_stopped() -> None:
    names = change_names()
    halves = [*schema_changes(None, names[20]), *schema_changes(names[20], names[-1])]
    assert halves == schema_changes(None, names[-1])
    assert len(halves) == len(names)


def test_a_library_that_is_too_old_is_refused() -> None:
    with pytest.raises(LookupError, match="has no migration 99"):
        schema_changes(None, "99.00.00_01_of_a_later_release")


def test_nobody_elses_tables_have_its_names(database: Engine) -> None:
    with scratch_database(database) as connection:
        assert migrate(connection, alone=True) == []
        found = connection.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND starts_with(tablename, :prefix)"
            ),
            {"prefix": PREFIX},
        )
        assert set(found) == {PREFIX + name for name in ("events", "jobs", "periodic_defers", "workers")}


def shape(connection: Connection) -> dict[str, list[tuple[str, ...]]]:
    """Return everything of the library in the present schema, under names without the schema's."""
    schema = connection.scalar(text("SELECT current_schema()"))
    return {
        kind: sorted(
            tuple(str(value).replace(f"{schema}.", "") for value in row) for row in connection.execute(text(query))
        )
        for kind, query in SHAPE.items()
    }
