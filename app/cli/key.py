"""`termline key create`, `list`, `rotate`, `revoke`"""

from __future__ import annotations

from datetime import UTC, datetime, time

import click
from rich.table import Table

from app.access.describe import key_data
from app.access.operations.create_key import create_key
from app.access.operations.revoke_key import revoke_key
from app.access.operations.rotate_key import rotate_key
from app.access.permissions import ALL
from app.access.repository import key_named, keys_after, secrets_of
from app.cli.terminal import actor, as_json, out, print_json, refusals_shown, runtime
from app.core.instants import parse_date, parse_instant
from app.store.models.access import ROLES


def moment(text: str) -> datetime:
    """Return the time of a date, which means its first instant in UTC, or of an RFC 3339 time with an offset."""
    day = parse_date(text)
    found = parse_instant(text) if day is None else datetime.combine(day, time(), UTC)
    if found is None:
        raise click.BadParameter(f"{text!r} is no date YYYY-MM-DD and no RFC 3339 time with an offset.")
    return found


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
@click.option("--partner", help="Whose data it sees; with role partner, and only there.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(ALL), help="Keep it to these permissions.")
@click.option("--expires", type=moment, help="When it ends; never when left out.")
@as_json
@refusals_shown
def create(
    role: str, name: str, partner: str | None, scopes: tuple[str, ...], expires: datetime | None, is_json: bool
) -> None:
    """Create an API key and print it. It is shown this once and cannot be shown again."""
    with runtime() as opened, opened.work(actor()) as ctx:
        row, secret = create_key(ctx, role=role, name=name, partner=partner, scopes=scopes or None, expires_at=expires)
        identifier = row.id
    _print_made(identifier, secret, is_json)


@key.command(name="list")
@as_json
@refusals_shown
def list_(is_json: bool) -> None:
    """List the API keys by name, with the prefixes of their secrets."""
    with runtime() as opened, opened.work(actor()) as ctx:
        rows = keys_after(ctx.session, None, None)
        secrets = secrets_of(ctx.session, rows)
        found = sorted((key_data(row, secrets, ctx.now()) for row in rows), key=lambda shown: shown["name"])
    if is_json:
        print_json(found)
        return
    table = Table("name", "role", "partner", "live secrets", "last used", "ends")
    for shown in found:
        live = " ".join(secret["prefix"] for secret in shown["secrets"] if secret["live"])
        ends = "revoked" if shown["revoked_at"] else shown["expires_at"]
        table.add_row(shown["name"], shown["role"], shown["partner"], live or "none", shown["last_used_at"], ends)
    out.print(table)


@key.command()
@click.argument("name")
@click.option("--old-ends", type=moment, help="Up to when the secret there is works; 7 days when left out.")
@as_json
@refusals_shown
def rotate(name: str, old_ends: datetime | None, is_json: bool) -> None:
    """Give a key a new secret and print it, this once. The old one works for 7 more days."""
    with runtime() as opened, opened.work(actor()) as ctx:
        row, secret = rotate_key(ctx, key=key_named(ctx.session, name).id, old_ends_at=old_ends)
        identifier = row.id
    _print_made(identifier, secret, is_json)


@key.command()
@click.argument("name")
@click.option("--prefix", help="Only the secret of this prefix.")
@as_json
@refusals_shown
def revoke(name: str, prefix: str | None, is_json: bool) -> None:
    """End a key for good, or one of its secrets."""
    with runtime() as opened, opened.work(actor()) as ctx:
        row = revoke_key(ctx, key=key_named(ctx.session, name).id, prefix=prefix)
        shown = key_data(row, secrets_of(ctx.session, [row]), ctx.now())
    if is_json:
        print_json(shown)
    else:
        click.echo(f"Revoked {prefix or name}.")


def _print_made(identifier: str, secret: str, is_json: bool) -> None:
    if is_json:
        print_json({"key": secret, "id": identifier})
    else:
        click.echo(secret)
