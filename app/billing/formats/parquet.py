"""A statement's lines as a Parquet file: exact decimals, instants with their zone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from app.billing.document import Document
from app.billing.formats.columns import COLUMNS, Kind
from app.bulk.parquet import ParquetColumn, fits, parquet_bytes
from app.core.money import canonical

# No currency has more minor digits than four. What is precise has nine digits of a rate and six of a fact, and two of
# a percentage; what has more is in the column of text only.
SCALES: Mapping[Kind, int] = {"amount": 4, "precise": 18}


def statement_parquet(document: Document) -> bytes:
    """Return a statement's lines as Parquet: the columns of the CSV, and `amount_precise_text`, which has every digit."""
    columns = []
    for column in COLUMNS:
        values = [column.of(document, line) for line in document.lines]
        if column.kind not in SCALES:
            columns.append(ParquetColumn(column.name, column.kind, values))
            continue
        scale = SCALES[column.kind]
        if column.kind == "precise":
            exact = [canonical(line.amount_precise) for line in document.lines]
            columns.append(ParquetColumn(f"{column.name}_text", "text", exact))
            values = [value if isinstance(value, Decimal) and fits(value, scale) else None for value in values]
        columns.append(ParquetColumn(column.name, "decimal", values, scale))
    return parquet_bytes(columns)
