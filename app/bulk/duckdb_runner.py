"""DuckDB as a runner of the pipeline: in memory, with a folder for what memory does not hold, and nothing else in reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import orjson
from sqlglot import exp

from app.bulk.duckdb_engine import CHUNK, SETTINGS, as_json, chunks
from app.bulk.fact_table import Row, Structure
from app.bulk.pipeline.refusals import NoRoom
from app.engine.matcher import EngineFault


class DuckDbRunner:
    """Runs trees in one database of its own. `memory` is such as "4GB"; without a folder nothing is spilled."""

    dialect = "duckdb"

    def __init__(self, *, memory: str | None = None, spill: Path | None = None, threads: int | None = None) -> None:
        more: dict[str, Any] = {"temp_directory": "" if spill is None else str(spill)}
        more |= {} if memory is None else {"memory_limit": memory}
        more |= {} if threads is None else {"threads": threads}
        self.connection = duckdb.connect(":memory:", config={**SETTINGS, **more, "preserve_insertion_order": "false"})

    def load(self, name: str, structure: Mapping[str, Structure], rows: Iterable[Row]) -> None:
        """Make a table of rows. A value that does not fit is a fault, and not NULL."""
        shape = exp.Literal.string(orjson.dumps([structure]).decode()).sql(self.dialect)
        query = f"SELECT each_row.* FROM (SELECT unnest(from_json_strict(?::JSON, {shape})) AS each_row)"
        self._execute(f"CREATE TABLE {name} AS {query} LIMIT 0", ["[]"])
        for chunk in chunks(iter(rows)):
            self._execute(f"INSERT INTO {name} {query}", [as_json(chunk)])

    def keep(self, name: str, tree: exp.Query) -> None:
        """Make a table of what a query finds."""
        self._execute(f"CREATE TABLE {name} AS {tree.sql(self.dialect)}")

    def name(self, name: str, tree: exp.Query) -> None:
        """Give a query a name, under which others read what it finds."""
        self._execute(f"CREATE VIEW {name} AS {tree.sql(self.dialect)}")

    def run(self, tree: exp.Query) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        return self._execute(tree.sql(self.dialect)).fetchall()

    def stream(self, tree: exp.Query) -> Iterator[tuple[Any, ...]]:
        """Yield what a query finds, row by row, beside other queries. Memory does not hold all of it."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(tree.sql(self.dialect))
                while rows := cursor.fetchmany(CHUNK):
                    yield from rows
        except duckdb.Error as error:
            raise fault_of(error) from error

    def drop(self, *names: str) -> None:
        """Give tables up."""
        for name in names:
            self._execute(f"DROP TABLE IF EXISTS {name}")

    def close(self) -> None:
        """Give back the engine's memory."""
        self.connection.close()

    def _execute(self, sql: str, values: list[Any] | None = None) -> duckdb.DuckDBPyConnection:
        try:
            return self.connection.execute(sql, values or [])
        except duckdb.Error as error:
            raise fault_of(error) from error


def fault_of(error: duckdb.Error) -> EngineFault:
    """Return what went wrong in our words."""
    kind = NoRoom if isinstance(error, duckdb.OutOfMemoryException) else EngineFault
    return kind(f"DuckDB: {type(error).__name__}: {error}")
