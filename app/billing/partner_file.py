"""Reading a partner's own list of what it expects: CSV with a header, an id, an amount and perhaps a currency. Pure."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.billing.errors import PartnerFileRefused
from app.core.errors import Finding
from app.core.money import parse_decimal
from app.rulelang.diagnostics import described

MAX_SHOWN = 10
_DECIMAL_COMMA = re.compile(r"-?[0-9.' ]+,[0-9]{1,9}", re.ASCII)
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


@dataclass(frozen=True, slots=True)
class TheirRow:
    """What a partner expects for an id. `row` counts from 1, without the header."""

    row: int
    id: str
    amount: Decimal
    currency: str | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are read. That of the currency may be absent: then all amounts are in the statement's."""

    id: str
    amount: str
    currency: str = "currency"


def read_partner_file(data: bytes, columns: Columns) -> list[TheirRow]:
    """Return the rows of a partner's file, or refuse it with everything that is wrong with it."""
    rows = csv.reader(io.StringIO(_text(data), newline=""), strict=True)
    found: list[TheirRow] = []
    refused: list[Finding] = []
    number = 0
    try:
        header = next(rows, [])
        places = _places(header, columns)
        for number, cells in enumerate((cells for cells in rows if cells), start=1):
            row = _row(number, cells, len(header), places)
            if isinstance(row, Finding):
                refused.append(row)
            else:
                found.append(row)
    except csv.Error as error:
        refused.append(Finding("wrong_value", f"row {number + 1} is not CSV: {error}", f"/{number}"))
    if refused:
        raise _refusal(refused)
    return found


def _text(data: bytes) -> str:
    """Return the text of a file. A UTF-8 mark at its beginning, as spreadsheets write it, is no part of it."""
    if data.startswith(_WIDE_MARKS):
        raise PartnerFileRefused("The file is UTF-16. Save it as CSV in UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PartnerFileRefused(f"The file is not UTF-8 at byte {error.start:,}. Save it as CSV in UTF-8.") from None
    if "\0" in text:
        raise PartnerFileRefused("The file holds the character NUL, which is no text. Save it as CSV in UTF-8.")
    return text


def _places(header: list[str], columns: Columns) -> Mapping[str, int]:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise PartnerFileRefused(
            f"The columns are not separated by commas; found {described(header[0])}. Save the file with commas between"
            " columns and points in amounts."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    missing = [name for name in (columns.id, columns.amount) if name not in header]
    if missing or twice:
        what = f"has no column {described(missing[0])}" if missing else f"has the column {described(twice[0])} twice"
        raise PartnerFileRefused(
            f"The file {what}; it has {described(', '.join(header))}. Name its columns with --id-column and --amount-column."
        )
    return {
        "id": header.index(columns.id),
        "amount": header.index(columns.amount),
        **({"currency": header.index(columns.currency)} if columns.currency in header else {}),
    }


def _row(number: int, cells: list[str], width: int, places: Mapping[str, int]) -> TheirRow | Finding:
    if len(cells) != width:
        hint = "an amount with a decimal comma is two columns" if len(cells) > width else None
        return _finding(number, f"row {number} has {len(cells)} columns, the header has {width}", hint)
    identifier, written = cells[places["id"]], cells[places["amount"]]
    if not identifier:
        return _finding(number, f"row {number} has no id")
    amount = parse_decimal(written)
    if amount is None:
        is_comma = _DECIMAL_COMMA.fullmatch(written)
        hint = "write a point, not a comma" if is_comma else "such as 12.50, without a currency or separators"
        return _finding(number, f"the amount of row {number} is no number; found {described(written)}", hint)
    currency = cells[places["currency"]] if "currency" in places else None
    if currency == "":
        return _finding(number, f"row {number} has no currency")
    return TheirRow(number, identifier, amount, currency)


def _finding(number: int, message: str, hint: str | None = None) -> Finding:
    return Finding("wrong_value", message, f"/{number - 1}", hint)


def _refusal(refused: list[Finding]) -> PartnerFileRefused:
    said = [f"{each.message}{f': {each.hint}' if each.hint else ''}." for each in refused[:MAX_SHOWN]]
    more = [f"… and {len(refused) - MAX_SHOWN:,} more rows."] if len(refused) > MAX_SHOWN else []
    return PartnerFileRefused("\n".join(["The file is refused.", *said, *more]), refused[:1_000])
