"""The tables of the job queue, as the library that keeps it ships them. No query of them is here."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from sqlalchemy import Connection

LIBRARY = "procrastinate"
PREFIX = "procrastinate_"

_DROP_ROUTINES = """
DO $$ BEGIN
  EXECUTE (SELECT 'DROP FUNCTION ' || string_agg(oid::regprocedure::text, ', ') FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND starts_with(proname, 'procrastinate_'));
END $$
"""
_DROP_TYPES = """
DO $$ BEGIN
  EXECUTE (SELECT 'DROP TYPE ' || string_agg(oid::regtype::text, ', ') FROM pg_type
    WHERE typnamespace = current_schema()::regnamespace AND starts_with(typname, 'procrastinate_')
      AND (typtype = 'e' OR typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')));
END $$
"""
# In the order of what refers to what.
_TABLES = ("periodic_defers", "events", "jobs", "workers")


def schema_changes(after: str | None, up_to: str) -> list[str]:
    """Return the library's own migrations after one up to another, each by its file's name, as SQL in order.

    They are never changed once released, so that a migration of ours that names two of them does the same for ever,
    whichever later release of the library is installed.
    """
    names = [name for name in change_names() if (after is None or name > after) and name <= up_to]
    if not names or names[-1] != up_to:
        raise LookupError(f"The installed {LIBRARY} has no migration {up_to}; it is older than this release needs.")
    return [(_folder() / f"{name}.sql").read_text(encoding="utf-8") for name in names]


def change_names() -> list[str]:
    """Return the names of all migrations that the installed library has, in order."""
    return sorted(path.stem for path in _folder().glob("*.sql"))


def whole_schema() -> str:
    """Return the schema as the installed library would make it at once."""
    return (_folder().parent / "schema.sql").read_text(encoding="utf-8")


def removal() -> list[str]:
    """Return what takes everything of the library away."""
    tables = [f"DROP TABLE {PREFIX}{name} CASCADE" for name in _TABLES]  # functions return rows of them
    return [*tables, _DROP_ROUTINES, _DROP_TYPES]


def run(connection: Connection, statements: Iterable[str]) -> None:
    """Run SQL as it is written: what looks like a parameter in it is a part of a message."""
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%"))


def _folder() -> Path:
    # Found without importing the library: that takes long, and is done in one file.
    return Path(str(distribution(LIBRARY).locate_file(LIBRARY))) / "sql" / "migrations"
