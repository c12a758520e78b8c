"""`termline reconcile`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from app.billing.operations.reconcile_statement import reconcile_statement
from app.billing.partner_file import Columns, read_partner_file
from app.billing.reconciliation import reconciliation_data
from app.billing.reconciliation_repository import By
from app.cli.files import read_bytes
from app.cli.terminal import actor, as_json, print_json, refusals_shown, runtime
from app.core.money import parse_decimal


@click.command()
@click.argument("contract")
@click.argument("period", metavar="YYYY-MM")
@click.argument("partner_file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--by", type=click.Choice(["conversion", "order"]), default="conversion", help="What the ids are of.")
@click.option("--id-column", help="Their column with the id; by default conversion, or order.")
@click.option("--amount-column", default="amount", show_default=True, help="Their column with the amount.")
@click.option("--currency-column", default="currency", show_default=True, help="Their column with it, if there is one.")
@click.option("--tolerance", default="0", show_default=True, help="Report no difference up to this amount.")
@as_json
@refusals_shown
def reconcile(
    contract: str,
    period: str,
    partner_file: Path,
    by: By,
    id_column: str | None,
    amount_column: str,
    currency_column: str,
    tolerance: str,
    is_json: bool,
) -> None:
    """Compare a partner's own CSV with the statement of CONTRACT for a month, id by id.

    Says of each row whether it is equal, by how much it differs, or why we have nothing for it; and what only we have.
    Exit status 1 if anything differs.
    """
    tolerated = parse_decimal(tolerance)
    if tolerated is None or tolerated < 0:
        raise click.BadParameter(f"it is an amount such as 0.01; found {tolerance!r}", param_hint="--tolerance")
    rows = read_partner_file(read_bytes(partner_file), Columns(id_column or by, amount_column, currency_column))
    with runtime() as opened, opened.work(actor()) as ctx:
        found = reconcile_statement(ctx, contract=contract, period=period, rows=rows, by=by, tolerance=tolerated)
    data = reconciliation_data(found)
    if is_json:
        print_json(data)
    else:
        show_reconciliation(data)
    if not found.agrees:
        sys.exit(1)


def show_reconciliation(data: dict[str, Any]) -> None:
    """Print what differs, and how the totals tie out."""
    for row in data["rows"]:
        if row["status"] == "equal":
            continue
        reason = f": {row['reason']['in_words']}" if row["reason"] else ""
        amounts = f"theirs {row['theirs'] or 'nothing'}, ours {row['ours'] or 'nothing'}"
        click.echo(f"{row['status'].replace('_', ' ')}: {row['id']}, {amounts}{reason}")
    for status, count in data["counts"].items():
        if count:
            click.echo(f"{count:,} {status.replace('_', ' ')}: {data['differences'][status]} {data['currency']}")
    click.echo(
        f"Theirs {data['theirs']}, ours {data['ours']}: a difference of {data['difference']} {data['currency']}."
    )
