"""`termline journal`"""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from app.billing.formats.beancount import journal_beancount
from app.billing.formats.journal_csv import journal_csv
from app.billing.journal import entry_data
from app.billing.operations.get_journal import get_journal
from app.cli.files import write_bytes
from app.cli.statement import as_of_then, into_file
from app.cli.terminal import actor, refusals_shown, runtime
from app.partners.repository import program_named


@click.command()
@click.option("--program", required=True, help="The program whose journal it is.")
@click.option("--contract", help="Of this contract only.")
@click.option("--accounting-period", metavar="YYYY-MM", help="Booked in this month only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["beancount", "csv", "json"]),
    default="beancount",
    show_default=True,
    help="For Beancount, for a spreadsheet, or a line of JSON for each entry.",
)
@click.option("--json", "is_json", is_flag=True, help="The same as --format json.")
@as_of_then
@into_file
@refusals_shown
def journal(
    program: str,
    contract: str | None,
    accounting_period: str | None,
    form: str,
    is_json: bool,
    as_of: str | None,
    output: Path | None,
) -> None:
    """Write what was booked of a program, in double entry: for Beancount, as CSV, or as a line of JSON for each entry.

    Each line and each accrual is an entry with two legs. In Beancount its date is the last day of the month it is booked in.
    """
    with runtime() as opened, opened.work(actor()) as ctx:
        program_named(ctx.session, program)
        entries = get_journal(ctx, program=program, contract=contract, accounting_period=accounting_period, as_of=as_of)
        if is_json or form == "json":
            written = b"".join(orjson.dumps(entry_data(entry), option=orjson.OPT_APPEND_NEWLINE) for entry in entries)
        elif form == "csv":
            written = journal_csv(entries).encode()
        else:
            written = "".join(f"{line}\n" for line in journal_beancount(program, entries)).encode()
    write_bytes(output, written)
