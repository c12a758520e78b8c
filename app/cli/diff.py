"""`termline diff`"""

from __future__ import annotations

import click

from app.cli.terminal import actor, as_json, print_json, refusals_shown, runtime
from app.contracts.diff_describe import diff_data
from app.contracts.operations.diff_version import diff_version


@click.command()
@click.argument("contract")
@click.argument("number", type=click.IntRange(1, 999_999_999))
@click.option("--against", type=click.IntRange(1, 999_999_999), help="The version to compare with. Default: its base.")
@as_json
@refusals_shown
def diff(contract: str, number: int, against: int | None, is_json: bool) -> None:
    """Show what version NUMBER of CONTRACT changes, in words."""
    with runtime() as opened, opened.work(actor()) as ctx:
        found = diff_data(diff_version(ctx, contract=contract, number=number, against=against))
    if is_json:
        print_json(found)
    else:
        other = "nothing before it" if found["against"] is None else f"version {found['against']}"
        click.echo(f"{contract}: version {number}, compared with {other}")
        click.echo("\n".join(f"  {line}" for line in found["in_words"]))
