"""What becomes of a column of a Parquet file, in DuckDB's SQL: the value that a fact's column holds, or NULL where it is not
exactly one. Rows and files are `order_files.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.bulk.log_values import text_sql, value_of
from app.rulelang.facts import LARGEST, MAX_MARKS, MAX_SCALE, MAX_TEXT, Fact

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
TEXT, WITH_ZONE = "VARCHAR", "TIMESTAMP WITH TIME ZONE"

TAKEN: Mapping[str, str] = {
    "text": "text",
    "enum": "text",
    "boolean": "BOOLEAN",
    "integer": "a whole number, or text",
    "decimal": "a DECIMAL, a whole number, or text",
    "date": "a DATE, or text",
    "instant": "a TIMESTAMP with a zone, or text",
}
"""What columns facts are read from, by their type. The others (durations and lists) come in NDJSON."""


def fact_sql(fact: Fact, kind: str, column: str) -> str | None:
    """Return the value of a fact from a column of a type of DuckDB's, or None where it is not read from such a column."""
    if fact.type not in TAKEN:
        return None
    found = _VALUES[fact.type](kind, column)
    if fact.type == "enum" and found is not None:
        words = ", ".join(map(text_sql, fact.values))
        return f"CASE WHEN {column} IN ({words}) THEN {column} END"
    return found


def instant_sql(kind: str, column: str) -> str | None:
    """Return the microseconds since 1970 of a column, or None where it is no instant."""
    if kind == WITH_ZONE:
        return f"epoch_us({column})"
    return value_of("instant", column) if kind == TEXT else None


def id_sql(kind: str, column: str, longest: int) -> str | None:
    """Return an id from a column: printable, and not too long."""
    if kind != TEXT:
        return None
    return f"CASE WHEN length({column}) BETWEEN 1 AND {longest} AND {_printable(column)} THEN {column} END"


def _printable(column: str) -> str:
    return rf"NOT regexp_matches({column}, '[\p{{Cc}}\p{{Cf}}\p{{Zl}}\p{{Zp}}\p{{Co}}]')"


def _text(kind: str, column: str) -> str | None:
    if kind != TEXT:
        return None
    is_text = rf"NOT regexp_matches({column}, '[\x00-\x1f\x7f]|\p{{M}}{{{MAX_MARKS + 1}}}')"
    composed = f"nfc_normalize({column})"
    return f"CASE WHEN length({composed}) <= {MAX_TEXT} AND length({column}) <= {MAX_TEXT} AND {is_text} THEN {composed} END"


def _boolean(kind: str, column: str) -> str | None:
    return column if kind == "BOOLEAN" else None


def _integer(kind: str, column: str) -> str | None:
    if kind == TEXT:
        return value_of("integer", column)
    return _bounded(f"TRY_CAST({column} AS BIGINT)") if kind in WHOLE else None


def _decimal(kind: str, column: str) -> str | None:
    if kind == TEXT:
        return value_of("decimal", column)
    if kind not in WHOLE and not kind.startswith("DECIMAL"):
        return None
    # A cast rounds what has more digits: only what it leaves as it is is taken.
    held = f"TRY_CAST({column} AS DECIMAL(31, {MAX_SCALE}))"
    scaled = _bounded(f"TRY_CAST({held} * {10**MAX_SCALE} AS BIGINT)")
    return f"CASE WHEN {held} = {column} THEN {scaled} END"


def _date(kind: str, column: str) -> str | None:
    if kind == TEXT:
        return value_of("date", column)
    return f"CASE WHEN year({column}) BETWEEN 1 AND 9999 THEN {column} END" if kind == "DATE" else None


def _bounded(whole: str) -> str:
    return f"CASE WHEN abs({whole}) < {LARGEST} THEN {whole} END"


_VALUES: Mapping[str, Callable[[str, str], str | None]] = {
    "text": _text,
    "enum": lambda kind, column: column if kind == TEXT else None,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "date": _date,
    "instant": instant_sql,
}
