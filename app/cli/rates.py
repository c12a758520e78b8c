"""`termline rates import`"""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.files import FileRefused
from app.cli.terminal import actor, as_json, counted, print_json, refusals_shown, runtime
from app.rates.operations.record_rates import record_rates
from app.rates.rate_file import carried, read_rates


@click.group()
def rates() -> None:
    """Exchange rates: at which orders in other currencies become the money of a contract."""


@rates.command("import")
@click.argument("file", metavar="CSV", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--carry",
    is_flag=True,
    help="Between two days of the file, give a day without a rate that of the day before: weekends and holidays.",
)
@as_json
@refusals_shown
def import_(file: Path, carry: bool, is_json: bool) -> None:
    """Record the rates in the file CSV, with the columns from,to,day,rate,source and, for corrections, reason.

    All of them or none. What is recorded already is left as it is. Orders that wait for one of them are decided the
    next time somebody asks for them.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text; save the file as CSV UTF-8"
        raise FileRefused(f"{file} cannot be read: {reason}.") from error
    given = read_rates(lines, str(file))
    if carry:
        given = list(carried(given))
    with runtime() as opened, opened.work(actor()) as ctx:
        recorded = record_rates(ctx, given)
    new = sum(is_new for _, is_new in recorded)
    if is_json:
        print_json({"recorded": new, "known": len(recorded) - new})
    else:
        click.echo(f"{counted(new, 'rate')} recorded, {len(recorded) - new:,} known already.")
