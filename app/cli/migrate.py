"""`termline migrate`"""

from __future__ import annotations

import click

from app.assembly import opened_database
from app.cli.terminal import as_json, print_json, refusals_shown
from app.settings import settings_from
from app.store.migrate import current_revision
from app.store.migrate import migrate as run_migrations


@click.command()
@as_json
@refusals_shown
def migrate(is_json: bool) -> None:
    """Bring the database to the schema of this release."""
    with opened_database(settings_from()) as engine, engine.begin() as connection:
        applied = run_migrations(connection)
        revision = current_revision(connection)
    if is_json:
        print_json({"applied": applied, "revision": revision})
    else:
        click.echo(f"Applied {', '.join(applied)}." if applied else f"Nothing to do: the schema is at {revision}.")
