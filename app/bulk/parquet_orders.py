"""Parquet files of conversions and of touches, each value held against its fact before anything is rated: what is not exactly one
is named with its row. What is kept of them is `order_files.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from app.bulk.duckdb_runner import path_sql
from app.bulk.fact_table import ROW, Column, FactTable
from app.bulk.order_files import Orders, OrdersRefused, database_of, file_sql, is_sent, refuse_twice
from app.bulk.parquet_values import TAKEN, fact_sql, id_sql, instant_sql
from app.bulk.pipeline.touching import touch_structure
from app.rulelang.diagnostics import described, did_you_mean
from app.rulelang.facts import Catalogue, Subject

MAX_ID = 128
SHOWN = 5
OF_CONVERSIONS = ("id", "event_at", "partner", "received_at")
OF_TOUCHES = ("conversion", "id", "partner", "type", "at")
REQUIRED = {"conversion": ("id", "event_at"), "touch": OF_TOUCHES}


def kept_from_parquet(
    program: str,
    catalogue: Catalogue,
    conversions: Sequence[Path],
    touches: Sequence[Path],
    folder: Path,
    memory: str,
) -> Orders:
    """Write conversions and touches from Parquet files into a folder, checked. OrdersRefused names rows that cannot be read
    exactly, with what was expected."""
    with closing(database_of(folder, memory, [*conversions, *touches])) as database:
        count = _copy(database, _sources(database, conversions, catalogue, "conversion"), folder, "conversions")
        database.execute(f"CREATE VIEW conversions AS FROM {file_sql(folder, 'conversions')}")
        _copy_touches(database, FactTable(catalogue).columns, _sources(database, touches, catalogue, "touch"), folder)
        database.execute(f"CREATE VIEW touches AS FROM {file_sql(folder, 'touches')}")
        refuse_twice(database)
    return Orders(program, catalogue, folder, count)


@dataclass(frozen=True, slots=True)
class _Target:
    """A column of ours: what it is read from, its value there, and what it has to be, in words."""

    name: str
    said: str
    value: str
    expected: str
    given: str | None
    is_required: bool = False

    @property
    def is_bad(self) -> str:
        if self.given is None:
            return "false"
        return f"({self.value}) IS NULL" + ("" if self.is_required else f" AND {self.given} IS NOT NULL")


@dataclass(frozen=True, slots=True)
class _Source:
    """A file, and what becomes of its columns."""

    path: Path
    targets: Sequence[_Target]

    @property
    def rows(self) -> str:
        return f"read_parquet({path_sql(self.path)}, file_row_number = true)"


def _sources(
    database: duckdb.DuckDBPyConnection, paths: Sequence[Path], catalogue: Catalogue, subject: Subject
) -> list[_Source]:
    return [_Source(path, list(_targets(path, _columns_of(database, path), catalogue, subject))) for path in paths]


def _columns_of(database: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    try:
        found = database.execute(f"DESCRIBE FROM read_parquet({path_sql(path)})").fetchall()
    except duckdb.Error as error:
        raise OrdersRefused(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    return {str(row[0]): str(row[1]) for row in found}


def _targets(path: Path, columns: Mapping[str, str], catalogue: Catalogue, subject: Subject) -> Iterator[_Target]:
    """Yield the columns of conversions, or of touches, from those of a file: its own names, then facts by theirs."""
    words = OF_CONVERSIONS if subject == "conversion" else OF_TOUCHES
    facts = {each.fact.name: each for each in FactTable(catalogue).columns.values() if is_sent(each, subject)}
    unknown = [name for name in columns if name not in words and name not in facts]
    if unknown:
        hint = did_you_mean(unknown[0], (*words, *facts))
        raise OrdersRefused(f"{path}: there is no fact {described(unknown[0])}" + (f"; {hint}" if hint else "") + ".")
    for word in words:
        if word not in columns:
            if word in REQUIRED[subject]:
                raise OrdersRefused(f"{path} has no column {word}; it needs {', '.join(REQUIRED[subject])}.")
            yield _Target(
                word, word, "CAST(NULL AS BIGINT)" if word == "received_at" else "CAST(NULL AS VARCHAR)", "", None
            )
            continue
        kind, column = columns[word], _quoted(word)
        if word in ("event_at", "received_at", "at"):
            value, expected = instant_sql(kind, column), "an instant with a zone"
        elif word == "type":
            value, expected = f"CASE WHEN {column} IN ('click', 'view') THEN {column} END", "click or view"
        else:
            value, expected = id_sql(kind, column, MAX_ID), f"1 to {MAX_ID} printable characters"
        if value is None:
            raise OrdersRefused(f"{path}: {word} is {expected}; the column is {kind}.")
        is_required = word in REQUIRED[subject]
        yield _Target(
            "touch_id" if (subject, word) == ("touch", "id") else word, word, value, expected, column, is_required
        )
    for name, of in facts.items():
        if name not in columns:
            yield _Target(of.name, name, f"CAST(NULL AS {_plain(of.structure)})", "", None)
            continue
        value = fact_sql(of.fact, columns[name], _quoted(name))
        if value is None:
            takes = TAKEN.get(of.fact.type, "no column of Parquet; send such facts as NDJSON")
            raise OrdersRefused(f"{path}: {name} is {of.fact.type} and takes {takes}; the column is {columns[name]}.")
        expected = f"one of {', '.join(of.fact.values)}" if of.fact.type == "enum" else f"{of.fact.type}, exactly"
        yield _Target(of.name, name, value, expected, _quoted(name))


def _plain(structure: Any) -> str:
    match structure:
        case str(name):
            return name
        case [member]:
            return f"{_plain(member)}[]"
    return f"STRUCT({', '.join(f'{_quoted(name)} {_plain(each)}' for name, each in structure.items())})"


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def _copy(database: duckdb.DuckDBPyConnection, sources: Sequence[_Source], folder: Path, name: str) -> int:
    """Write the rows of files into one of ours, numbered through."""
    before, queries = 0, []
    for source in sources:
        values = ", ".join(f"{each.value} AS {_quoted(each.name)}" for each in source.targets)
        queries.append(f"SELECT {before} + file_row_number AS {ROW}, {values} FROM {source.rows}")
        before += _checked(database, source)
    database.execute(f"COPY ({' UNION ALL '.join(queries)}) TO {path_sql(folder / f'{name}.parquet')} (FORMAT parquet)")
    return before


def _copy_touches(
    database: duckdb.DuckDBPyConnection, columns: Mapping[str, Column], sources: Sequence[_Source], folder: Path
) -> None:
    """Write the touches of files into one of ours, each with the number of its conversion."""
    target = path_sql(folder / "touches.parquet")
    queries = []
    for source in sources:
        _checked(database, source)
        _refuse_strangers(database, source)
        values = ", ".join(f"{each.value} AS {_quoted(each.name)}" for each in source.targets)
        queries.append(f"SELECT {values} FROM {source.rows}")
    if not queries:
        _copy_none(database, columns, target)
        return
    given = " UNION ALL ".join(queries)
    database.execute(
        f"COPY (SELECT c.{ROW}, t.* EXCLUDE (conversion) FROM ({given}) t JOIN conversions c ON c.id = t.conversion) "
        f"TO {target} (FORMAT parquet)"
    )


def _copy_none(database: duckdb.DuckDBPyConnection, columns: Mapping[str, Column], target: str) -> None:
    """Write a file of no touches, with the columns that they would have."""
    nothing = (f"CAST(NULL AS {_plain(of)}) AS {_quoted(name)}" for name, of in touch_structure(columns).items())
    database.execute(f"COPY (SELECT {', '.join(nothing)} LIMIT 0) TO {target} (FORMAT parquet)")


def _checked(database: duckdb.DuckDBPyConnection, source: _Source) -> int:
    """Return how many rows a file has, all of which can be read."""
    bad = " OR ".join(each.is_bad for each in source.targets)
    query = f"SELECT count(*), count(*) FILTER (WHERE {bad}) FROM {source.rows}"
    ((count, wrong),) = database.execute(query).fetchall()
    if not wrong:
        return int(count)
    shown = [each for each in source.targets if each.given is not None]
    found = ", ".join(f"CASE WHEN {each.is_bad} THEN [CAST({each.given} AS VARCHAR)] END" for each in shown)
    rows = database.execute(
        f"SELECT file_row_number, {found} FROM {source.rows} WHERE {bad} ORDER BY file_row_number LIMIT {SHOWN}"
    ).fetchall()
    said = [
        f"{source.path}, row {number + 1:,}: {each.said} "
        + ("is missing" if held[0] is None else f"is {each.expected}; found {described(held[0])}")
        for number, *values in rows
        for each, held in zip(shown, values, strict=True)
        if held is not None
    ]
    more = [f"{wrong - len(rows):,} more rows like these"] if wrong > len(rows) else []
    raise OrdersRefused("\n".join((*said, *more)) + "\nNothing was rated.")


def _refuse_strangers(database: duckdb.DuckDBPyConnection, source: _Source) -> None:
    query = (
        f"SELECT file_row_number, conversion FROM {source.rows} WHERE conversion NOT IN (SELECT id FROM conversions) "
        "ORDER BY file_row_number LIMIT 1"
    )
    for number, of in database.execute(query).fetchall():
        raise OrdersRefused(f"{source.path}, row {number + 1:,}: there is no conversion {of!r} in these files.")
