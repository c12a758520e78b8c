"""`termline timeline`"""

from __future__ import annotations

from typing import Any

import click

from app.cli.terminal import actor, as_json, print_json, refusals_shown, runtime
from app.contracts.describe import timeline_data
from app.contracts.operations.get_terms import get_terms

HEADS = ("version", "kind", "from", "until", "status", "approved by", "known since")


@click.command()
@click.argument("contract")
@click.option("--as-of", help="As it was known at this time: a local date or an instant with an offset. Default: now.")
@as_json
@refusals_shown
def timeline(contract: str, as_of: str | None, is_json: bool) -> None:
    """Show what was, is and will be in force of CONTRACT, who approved it when, and every time without terms."""
    with runtime() as opened, opened.work(actor()) as ctx:
        found = timeline_data(get_terms(ctx, contract=contract, as_of=as_of))
    if is_json:
        print_json(found)
        return
    click.echo(f"{contract} is {found['status'].replace('_', ' ')}.")
    for line in _table([HEADS, *(row for span in found["versions"] for row in _rows(span))]):
        click.echo(line)
    for gap in found["gaps"]:
        click.echo(f"No terms from {gap['from']} until {gap['until'] or 'further notice'}: {gap['message']}.")


def _rows(span: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return a version as a row, and a row for each rule version that starts inside it."""
    rows: list[tuple[str, ...]] = [
        (
            str(span["contract_version"]),
            span["kind"],
            span["effective_from"],
            span["until"] or "",
            span["status"].replace("_", " "),
            span["approved_by"],
            span["recorded_at"],
        )
    ]
    for kind, rules in span["rules"].items():
        rows += [
            ("", f"  {kind}", rule["effective_from"], rule["until"] or "", "", rule["approved_by"], rule["recorded_at"])
            for rule in rules[1:]
        ]
    return rows


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
