"""Bringing a database to the present schema, with Alembic. The migrations travel in the package."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app.store.grants import grant_all

_FOLDER = Path(__file__).parent / "migrations"
# Any number will do, as long as all processes lock the same one while they migrate.
_LOCK = 7_264_118_001


def migration_config(connection: Connection) -> Config:
    """Return Alembic's configuration for migrating over one open connection."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection, revision: str = "head", *, alone: bool = False) -> list[str]:
    """Bring the schema to a revision inside the connection's transaction and return the revisions that were applied.

    At the newest one, everybody's rights are made what `grants.py` says. Several processes may call this at once; one
    works, the others wait and find nothing to do. `alone` says that nobody else can see this schema, so that nobody is
    made to wait.
    """
    if not alone:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = current_revision(connection)
    config = migration_config(connection)
    command.upgrade(config, revision)
    if revision == "head":
        grant_all(connection)
    script = ScriptDirectory.from_config(config)
    after = current_revision(connection)
    if after == before:
        return []
    steps = script.iterate_revisions(after or "base", before or "base")
    return [step.revision for step in steps if step.revision != before][::-1]


def current_revision(connection: Connection) -> str | None:
    """Return the revision the schema is at, or None for a database that was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """Return the revision this release wants."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    return head
