"""`termline statement`"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from app.billing.balance import balance_words
from app.billing.describe import line_data, statement_data
from app.billing.document import Document
from app.billing.formats.csv_text import statement_csv
from app.billing.formats.page import statement_page
from app.billing.formats.parquet import statement_parquet
from app.billing.operations.get_document import get_document
from app.billing.operations.get_statement import get_statement
from app.billing.repository import balances, lines_after
from app.cli.files import write_bytes
from app.cli.terminal import actor, counted, refusals_shown, runtime
from app.core.money import canonical, total
from app.core.rounding import shown
from app.runtime import Context

as_of_then = click.option(
    "--as-of", help="As it was known at this time: a local date or an instant with an offset. Default: now."
)
into_file = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead of printing."
)
FORMS: Mapping[str, Callable[[Document], bytes]] = {
    "text": lambda document: statement_text(document).encode(),
    "csv": lambda document: statement_csv(document).encode(),
    "parquet": statement_parquet,
    "html": lambda document: statement_page(document).encode(),
}


@click.command()
@click.argument("contract")
@click.argument("period", metavar="YYYY-MM")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "parquet", "html"]),
    default="text",
    show_default=True,
    help="To read here, for programs, for a spreadsheet, for databases, or as a page to print.",
)
@click.option("--json", "is_json", is_flag=True, help="The same as --format json.")
@as_of_then
@into_file
@refusals_shown
def statement(contract: str, period: str, form: str, is_json: bool, as_of: str | None, output: Path | None) -> None:
    """Show the statement of CONTRACT for a month with all of its lines, or write it to a file.

    In CSV, text that a spreadsheet would calculate has an apostrophe before it. The same statement is the same file.
    """
    if form == "parquet" and output is None:
        raise click.UsageError("Parquet is for programs: say with --output where to write it.")
    with runtime() as opened, opened.work(actor()) as ctx:
        asked: dict[str, Any] = {"contract": contract, "period": period, "as_of": as_of}
        written = _as_json(ctx, asked) if is_json or form == "json" else FORMS[form](get_document(ctx, **asked))
    write_bytes(output, written)


def statement_text(document: Document) -> str:
    """Return a statement for people: its balance, and its lines by rule."""
    currency = document.currency
    words = [f"Statement {document.statement}, {document.program_name} and {document.partner_name}"]
    for rule, lines in document.by_rule.items():
        of_rule = total(line.amount for line in lines)
        words.append(f"{rule}: {counted(len(lines), 'line')}, {shown(of_rule, currency)} {currency}")
        for line in lines:
            corrects = f", corrects {line.corrects}" if line.corrects else ""
            booked = "" if line.accounting_period == document.period else f", booked in {line.accounting_period}"
            words.append(
                f"  {line.local_date} {line.subject} {line.formula}: {canonical(line.amount_precise)}, "
                f"{shown(line.amount, currency)}{corrects}{booked}"
            )
    balance = document.balance
    words.append(f"Total: {shown(document.total, currency)} {currency}")
    words += [balance_words(each, currency, is_brought=True) for each in balance.brought]
    words += [balance_words(each, currency, is_brought=False) for each in balance.carried]
    words.append(f"To pay: {shown(balance.to_pay, currency)} {currency}")
    return "\n".join(words) + "\n"


def _as_json(ctx: Context, asked: dict[str, Any]) -> bytes:
    """Return what GET /v1/statements/… shows, with all lines."""
    found = get_statement(ctx, **asked)
    row = found.total.statement
    carried = balances(ctx.session, [row], found.as_of)[row.id]
    lines = lines_after(ctx.session, row.id, None, None, found.as_of)
    shown_lines = [line_data(line, row.currency) for line in lines]
    return orjson.dumps({**statement_data(found.total, carried), "lines": shown_lines}) + b"\n"
