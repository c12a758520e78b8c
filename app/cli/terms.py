"""`termline terms`"""

from __future__ import annotations

import click

from app.cli.terminal import actor, as_json, print_json, refusals_shown, runtime
from app.contracts.describe import terms_data
from app.contracts.operations.get_terms import get_terms


@click.command()
@click.argument("contract")
@click.option("--at", help="When the terms apply: a local date or an instant with an offset. Default: now.")
@click.option("--as-of", help="As they were known at this time. Default: now.")
@as_json
@refusals_shown
def terms(contract: str, at: str | None, as_of: str | None, is_json: bool) -> None:
    """Show the terms of CONTRACT that are in force at a time, in words."""
    with runtime() as opened, opened.work(actor()) as ctx:
        found = terms_data(get_terms(ctx, contract=contract, at=at, as_of=as_of))
    if is_json:
        print_json(found)
        return
    in_force = found["in_force"]
    if in_force is None:
        click.echo(f"{contract} at {found['at']}: no terms in force. {found['reason']['message'].capitalize()}.")
        return
    until = f" until {in_force['until']}" if in_force["until"] else ""
    click.echo(
        f"{contract} at {found['at']}: version {in_force['contract_version']}, from {in_force['effective_from']}{until}"
    )
    if in_force["settlement"]:
        click.echo(f"settlement: {in_force['settlement_in_words']}")
    for kind, rules in in_force["rules"].items():
        click.echo(f"{kind} (rule version {rules['number']}, from {rules['effective_from']})")
        for line in rules["in_words"]:
            click.echo(f"  {line}")
