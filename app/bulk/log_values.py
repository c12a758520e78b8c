"""What becomes of a text in a log, in DuckDB's SQL: its value by type, or NULL where it is none. Which text that is, is
`impression_files.py`'s.
"""

from __future__ import annotations

from sqlglot import exp

from app.bulk.columns import STORAGE
from app.core.instants import INSTANT
from app.rulelang.facts import MAX_SCALE


def text_sql(value: str) -> str:
    """Return a text as it is written in a statement."""
    return exp.Literal.string(value).sql("duckdb")


def value_of(kind: str, text: str) -> str:
    """Return the value of a type of what a statement has as text."""
    return VALUES[kind].format(text)


def _whole(pattern: str, value: str) -> str:
    """Return the value of a text that is altogether of a pattern, else NULL."""
    return (
        "CASE WHEN regexp_full_match({0}, "
        + text_sql(pattern).replace("{", "{{").replace("}", "}}")
        + f") THEN {value} END"
    )


# What becomes of a text, by the type of what it is.
VALUES = {
    "text": "nfc_normalize({0})",
    "enum": "{0}",
    "boolean": "CASE {0} WHEN 'true' THEN true WHEN 'false' THEN false END",
    "integer": _whole("-?[0-9]{1,18}", "TRY_CAST({0} AS BIGINT)"),
    "decimal": _whole(
        rf"-?[0-9]{{1,12}}(\.[0-9]{{1,{MAX_SCALE}}}0*)?",
        f"TRY_CAST(TRY_CAST({{0}} AS DECIMAL(38, {MAX_SCALE})) * 1000000 AS BIGINT)",
    ),
    "date": _whole("[0-9]{4}-[0-9]{2}-[0-9]{2}", "TRY_CAST({0} AS DATE)"),
    "instant": _whole(INSTANT, "epoch_us(TRY_CAST(upper({0}) AS TIMESTAMPTZ))"),
}
EXPECTED = {
    "text": "text",
    "enum": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "decimal": f"a number of at most {MAX_SCALE} digits after the point",
    "date": "a date YYYY-MM-DD",
    "instant": "an instant with an offset",
}
assert set(VALUES) == set(STORAGE) - {"duration"}
