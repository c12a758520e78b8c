"""Addresses of statements in the forms that finance takes into its hands."""

from __future__ import annotations

from typing import Any

from app.billing.errors import StatementNotFound
from app.billing.formats.columns import columns_described
from app.billing.formats.csv_text import statement_csv
from app.billing.formats.page import statement_page
from app.billing.formats.parquet import statement_parquet
from app.billing.operations.get_document import get_document
from app.runtime import Context
from app.web.as_of import LocalAsOf
from app.web.blueprint import File, Room

routes = Room("statement files", __name__, "Statements as files and pages, each with all of its lines.")

STATEMENT = "/statements/<identifier:contract>/<month:period>"


def _name(contract: str, period: str, ending: str) -> str:
    return f"statement-{contract}-{period}.{ending}"


@routes.sends(
    f"{STATEMENT}/csv",
    needs="read_own",
    content_type="text/csv; charset=utf-8; header=present",
    schema={"type": "string", "description": f"RFC 4180. Columns: {columns_described()}."},
    query=LocalAsOf,
    refuses=(StatementNotFound,),
)
def show_statement_csv(ctx: Context, contract: str, period: str, **asked: Any) -> File:
    """Show all lines of a statement as CSV, in the order they were posted.

    It is safe to open in a spreadsheet: text that one would calculate, or that begins with an apostrophe, has an apostrophe
    before it. Figures are never quoted, and text always.
    """
    document = get_document(ctx, contract=contract, period=period, **asked)
    return File(statement_csv(document).encode(), _name(contract, period, "csv"))


@routes.sends(
    f"{STATEMENT}/parquet",
    needs="read_own",
    content_type="application/vnd.apache.parquet",
    schema={"description": f"A Parquet file. Columns: {columns_described()}; and `amount_precise_text`."},
    query=LocalAsOf,
    refuses=(StatementNotFound,),
)
def show_statement_parquet(ctx: Context, contract: str, period: str, **asked: Any) -> File:
    """Show all lines of a statement as a Parquet file, in the order they were posted.

    Amounts are decimals: DECIMAL(38, 4), and before rounding DECIMAL(38, 18), which is null where a figure has more digits;
    `amount_precise_text` always has all of them. Instants have their zone, UTC.
    """
    document = get_document(ctx, contract=contract, period=period, **asked)
    return File(statement_parquet(document), _name(contract, period, "parquet"))


@routes.sends(
    f"{STATEMENT}/page",
    needs="read_own",
    content_type="text/html; charset=utf-8",
    schema={"type": "string"},
    query=LocalAsOf,
    refuses=(StatementNotFound,),
    inline=True,
)
def show_statement_page(ctx: Context, contract: str, period: str, **asked: Any) -> File:
    """Show a statement as a page to print: its parties, its balance, and its lines by rule with sub-totals.

    It needs nothing besides itself, and nothing in it runs.
    """
    document = get_document(ctx, contract=contract, period=period, **asked)
    return File(statement_page(document).encode(), _name(contract, period, "html"))
