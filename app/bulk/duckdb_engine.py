"""DuckDB: a database in memory that reaches nothing outside, how facts get into it, and what it is asked. What is asked is
`statement.py`'s; the pipeline's runner is `duckdb_runner.py`, and `parquet.py` has it write files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import duckdb
import orjson
from sqlglot import exp

from app.bulk.fact_table import FactTable, Row
from app.bulk.statement import true_of, verdicts
from app.engine.matcher import EngineFault, Facts, RuleConditions

DIALECT = "duckdb"
FACTS = "facts"
CHUNK = 10_000  # rows that are handed over together

# Text is compared byte by byte, which in UTF-8 is by code point. Nothing is read, written or fetched by a statement.
SETTINGS: Mapping[str, Any] = {
    "default_collation": "",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",
}


def open_engine() -> duckdb.DuckDBPyConnection:
    """Return an empty database in memory."""
    return duckdb.connect(":memory:", config=dict(SETTINGS))


def true_rules(
    connection: duckdb.DuckDBPyConnection, conditions: RuleConditions, table: FactTable, many: Sequence[Facts]
) -> list[frozenset[str]]:
    """Return for each set of facts the ids of the rules that are true, by one statement that leaves nothing behind.

    EngineFault when it fails: then nothing is known of any of them.
    """
    rows = as_json([table.row(number, facts) for number, facts in enumerate(many)])
    query = verdicts(conditions, table, exp.to_table(FACTS)).sql(DIALECT)
    found: list[frozenset[str]] = [frozenset()] * len(many)
    try:
        with connection.cursor() as cursor:
            decided = cursor.execute(f"{_with_facts(table)} {query}", [rows]).fetchall()
    except (duckdb.Error, UnicodeError) as error:
        raise EngineFault(f"DuckDB: {type(error).__name__}: {error}", ruleset=conditions.hash) from error
    if {number for number, *_ in decided} != set(range(len(many))):
        raise EngineFault("DuckDB did not decide all of the facts", given=len(many), decided=len(decided))
    for number, *masks in decided:
        found[number] = true_of(conditions, masks)
    return found


def load(connection: duckdb.DuckDBPyConnection, name: str, table: FactTable, facts: Iterable[Facts]) -> int:
    """Make a table of these facts, numbered in their order, and return how many there were."""
    connection.execute(f"CREATE TABLE {_quoted(name)} AS {_rows(table)} LIMIT 0", ["[]"])
    rows = (table.row(number, each) for number, each in enumerate(facts))
    count = 0
    for chunk in chunks(rows):
        connection.execute(f"INSERT INTO {_quoted(name)} {_rows(table)}", [as_json(chunk)])
        count += len(chunk)
    return count


def _with_facts(table: FactTable) -> str:
    return f"WITH {FACTS} AS MATERIALIZED ({_rows(table)})"


def _rows(table: FactTable) -> str:
    """Return the query of the rows in a parameter of JSON. A value that does not fit is an error, and not NULL."""
    structure = exp.Literal.string(orjson.dumps([table.structure]).decode()).sql(DIALECT)
    return f"SELECT each_row.* FROM (SELECT unnest(from_json_strict(?::JSON, {structure})) AS each_row)"


def as_json(rows: Sequence[Row]) -> str:
    try:
        return orjson.dumps(rows).decode()
    except TypeError as error:
        raise EngineFault(f"facts cannot be handed to the engine: {error}") from error


def chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(DIALECT)
