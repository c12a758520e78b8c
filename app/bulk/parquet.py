"""Tables as Parquet files, written by DuckDB. What is in them is not known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from sqlglot import exp

from app.core.instants import micros
from app.core.money import canonical

WIDTH = 38


@dataclass(frozen=True, slots=True)
class ParquetColumn:
    """A column: text, whole, date, instant (with zone), or a decimal with so many digits after the point."""

    name: str
    kind: str
    values: Sequence[Any]
    scale: int = 0


# How a column gets into DuckDB, and what it is there.
_READ: Mapping[str, str] = {
    "text": "unnest({given}::VARCHAR[])",
    "whole": "unnest({given}::BIGINT[])",
    "date": "unnest({given}::VARCHAR[])::DATE",
    "instant": "make_timestamptz(unnest({given}::BIGINT[]))",
    "decimal": "unnest({given}::VARCHAR[])::DECIMAL(38, {scale})",
}


def fits(value: Decimal, scale: int) -> bool:
    """Tell whether a decimal has a place in a column with so many digits after the point, with all its digits."""
    whole, _, fraction = canonical(abs(value)).partition(".")
    return len(fraction) <= scale and len(whole.lstrip("0")) <= WIDTH - scale


def parquet_bytes(columns: Sequence[ParquetColumn]) -> bytes:
    """Return columns of one length as a Parquet file. The same columns give the same bytes."""
    read = [
        f"{_READ[column.kind].format(given=f'${number}', scale=column.scale)} AS {_name(column.name)}"
        for number, column in enumerate(columns, start=1)
    ]
    given = [[_handed(value) for value in column.values] for column in columns]
    with (
        TemporaryDirectory(prefix="termline-") as folder,
        duckdb.connect(":memory:", config={"threads": 1}) as database,
    ):
        path = Path(folder) / "table.parquet"
        # COPY takes no parameter for its target.
        target = exp.Literal.string(str(path)).sql("duckdb")
        database.execute(f"COPY (SELECT {', '.join(read)}) TO {target} (FORMAT parquet, COMPRESSION zstd)", given)
        return path.read_bytes()


def _name(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def _handed(value: Any) -> Any:
    if isinstance(value, Decimal):
        return canonical(value)
    if isinstance(value, datetime):
        return micros(value)
    return value.isoformat() if isinstance(value, date) else value
