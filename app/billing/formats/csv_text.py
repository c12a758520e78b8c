"""CSV that is safe to open in a spreadsheet: RFC 4180, with text that a spreadsheet would calculate defused. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from app.billing.document import Document
from app.billing.formats.columns import COLUMNS, Value
from app.core.instants import write_instant
from app.core.money import canonical
from app.core.rounding import shown

# What a spreadsheet may take for the start of a formula, also in full width; and our own mark, so that it can be taken off.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MARK = "'"


class Figure(str):
    """The text of a number, which stays one: a negative amount is no formula."""


def defused(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: with an apostrophe before it, where it might.

    >>> defused("=1+1"), defused("order-1"), defused("'quoted")
    ("'=1+1", 'order-1', "''quoted")
    """
    return MARK + text if text.startswith((*FORMULA_STARTS, MARK)) else text


def as_sent(cell: str) -> str:
    """Return the text of a cell as it was before it was defused."""
    return cell.removeprefix(MARK)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """Return rows as CSV. Text is quoted always, so that no other separator splits it; figures and what is absent never."""
    lines = [",".join(_quoted(name) for name in header)]
    lines += [",".join(_cell(value) for value in row) for row in rows]
    return "".join(f"{line}\r\n" for line in lines)


def statement_csv(document: Document) -> str:
    """Return a statement's lines as CSV, with a row of names first."""
    rows = (
        [_written(column.of(document, line), column.kind == "amount", document.currency) for column in COLUMNS]
        for line in document.lines
    )
    return csv_text([column.name for column in COLUMNS], rows)


def _written(value: Value, is_amount: bool, currency: str) -> str | None:
    if isinstance(value, Decimal):
        return Figure(shown(value, currency) if is_amount else canonical(value))
    if isinstance(value, datetime):
        return write_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return Figure(value) if isinstance(value, int) else value


def _cell(value: str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, Figure) else _quoted(defused(value))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
