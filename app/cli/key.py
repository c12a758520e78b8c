"""`termline key create`"""

from __future__ import annotations

import click

from app.access.operations.create_key import create_key
from app.cli.terminal import actor, as_json, print_json, refusals_shown, runtime
from app.store.models.access import ROLES


@click.group()
def key() -> None:
    """API keys."""


@key.command()
@click.option("--role", required=True, type=click.Choice(ROLES), help="What the key may do.")
@click.option(
    "--name",
    required=True,
    help="Who uses it, such as a person or a job, in 1 to 64 characters; it is the actor in the audit trail.",
)
@as_json
@refusals_shown
def create(role: str, name: str, is_json: bool) -> None:
    """Create an API key and print it. It is shown this once and cannot be shown again."""
    with runtime() as opened, opened.work(actor()) as ctx:
        row, secret = create_key(ctx, role=role, name=name)
        identifier = row.id
    if is_json:
        print_json({"key": secret, "id": identifier})
    else:
        click.echo(secret)
