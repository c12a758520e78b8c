"""`termline invoice`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from app.billing.errors import InvoiceRefused
from app.billing.formats.ubl import statement_invoice
from app.billing.invoicing import read_invoicing
from app.billing.operations.get_document import get_document
from app.cli.files import read_json, write_bytes
from app.cli.statement import as_of_then, into_file
from app.cli.terminal import actor, refusals_shown, runtime


@click.command()
@click.argument("contract")
@click.argument("period", metavar="YYYY-MM")
@click.option(
    "--invoicing",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON with the parties, tax and terms of payment: "
    '{"program": {"name", "country", "tax_id"…}, "partner": {…}, "tax": {"category", "rate"}, "payment_terms"}.',
)
@click.option("--posting", type=click.IntRange(1), help="Only what this posting of the statement has, by its number.")
@as_of_then
@into_file
@refusals_shown
def invoice(
    contract: str, period: str, file: Path, posting: int | None, as_of: str | None, output: Path | None
) -> None:
    """Write the statement of CONTRACT for a month as an electronic invoice: UBL 2.1 by EN 16931.

    What is paid to a partner is self-billed: an invoice (389), or a credit note (261) below zero. Where a statement was
    invoiced before it was corrected, invoice what each later posting has.
    """
    given = read_invoicing(read_json(file))
    with runtime() as opened, opened.work(actor()) as ctx:
        document = get_document(ctx, contract=contract, period=period, as_of=as_of)
    number = document.statement
    if posting is not None:
        number = f"{number}/{posting}"
        document = replace(document, lines=[line for line in document.lines if line.posting == number])
        if not document.lines:
            raise InvoiceRefused(f"There is no posting {number}, or it has no lines.")
    write_bytes(output, statement_invoice(document, given, number))
