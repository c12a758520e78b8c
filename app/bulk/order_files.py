"""Conversions in files as tables of the pipeline. They are written once into two Parquet files of ours, every fact in its column;
an engine reads those, and decisions are made of what stands there. Reading other people's Parquet is `parquet_orders.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from app.bulk.columns import typed
from app.bulk.duckdb_runner import DuckDbRunner, path_sql, reach
from app.bulk.fact_table import ROW, Column, FactTable, Row, row_of
from app.bulk.pipeline.plan import conversion_structure, fact_table, sent
from app.bulk.pipeline.reversals import STRUCTURE as REVERSAL_STRUCTURE
from app.bulk.pipeline.reversals import TABLE as REVERSALS
from app.bulk.pipeline.runner import Runner
from app.bulk.pipeline.touching import touch_rows, touch_structure
from app.bulk.pipeline.world import World
from app.core.errors import AppError
from app.core.instants import from_micros, micros
from app.engine.factsheet import Conversion, Touch
from app.rulelang.ast import Scalar, Value
from app.rulelang.facts import Catalogue, Subject

MAX_TOUCHES = 50


class OrdersRefused(AppError):
    """Files of conversions or touches that cannot be read exactly."""

    code = "orders_refused"
    kind = "malformed"


@dataclass(frozen=True)
class Orders:
    """Conversions with their touches, in two files of a folder."""

    program: str
    catalogue: Catalogue
    folder: Path
    count: int

    def attach(self, runner: Runner, world: World) -> None:
        """Give an engine the tables that a run under a world needs."""
        wide, narrow = FactTable(self.catalogue).columns, fact_table(world).columns
        for name, structure in (
            ("conversions", conversion_structure(narrow)),
            ("touches", touch_structure(narrow)),
        ):
            runner.attach(f"{name}_in_files", self.folder / f"{name}.parquet")
            by_name = {column.name: wide[fact].name for fact, column in narrow.items()}
            columns = (
                exp.alias_(exp.column(by_name.get(each, each), quoted=True), each, quoted=True) for each in structure
            )
            runner.name(name, exp.select(*columns).from_(f"{name}_in_files"))
        runner.load(REVERSALS, REVERSAL_STRUCTURE, [])

    def numbers(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the numbers of conversions by their ids, of those that there are."""
        with closing(database_of(self.folder)) as database:
            query = f"SELECT id, {ROW} FROM {file_sql(self.folder, 'conversions')} WHERE id IN (SELECT unnest(?::VARCHAR[]))"
            return dict(database.execute(query, [list(ids)]).fetchall())

    def each(self, only: Sequence[int] | None = None) -> Iterator[Conversion]:
        """Yield the conversions in order of their numbers, or some of them. Only the one at hand is held."""
        wide = FactTable(self.catalogue).columns
        mine = {each.fact.name: each for each in sent(wide)}
        touches = groupby(_rows(self.folder, "touches", only), key=lambda row: row[ROW])
        number, of_it = next(touches, (None, iter(())))
        for row in _rows(self.folder, "conversions", only):
            seen: list[Touch] = []
            if number == row[ROW]:
                seen = [_touch(touch, wide) for touch in of_it]
                number, of_it = next(touches, (None, iter(())))
            received = row["received_at"]
            yield Conversion(
                row["id"],
                self.program,
                from_micros(row["event_at"]),
                row["partner"],
                _typed(row, mine.values()),
                touches=tuple(sorted(seen, key=lambda touch: (touch.at, touch.id))),
                received_at=None if received is None else from_micros(received),
            )


def kept_one_by_one(program: str, catalogue: Catalogue, conversions: Iterable[Conversion], folder: Path) -> Orders:
    """Write conversions that are checked already into a folder. They are gone through once for each table, and never held."""
    wide = FactTable(catalogue).columns
    given = {each.fact.name: each for each in sent(wide)}
    count = 0

    def rows() -> Iterator[Row]:
        nonlocal count
        for number, one in enumerate(conversions):
            count = number + 1
            received = None if one.received_at is None else micros(one.received_at)
            base = {ROW: number, "id": one.id, "event_at": micros(one.event_at), "partner": one.partner}
            yield {**base, "received_at": received, **row_of(given, one.facts)}

    runner = DuckDbRunner(spill=folder)
    with closing(runner.connection):
        runner.load("conversions", conversion_structure(wide), rows())
        runner.load("touches", touch_structure(wide), touch_rows(wide, conversions))
        refuse_twice(runner.connection)
        for name in ("conversions", "touches"):
            runner.connection.execute(f"COPY {name} TO {path_sql(folder / f'{name}.parquet')} (FORMAT parquet)")
    return Orders(program, catalogue, folder, count)


def database_of(folder: Path, memory: str = "1GB", reached: Sequence[Path] = ()) -> duckdb.DuckDBPyConnection:
    """Return a database that reaches these files and a folder, and nothing else."""
    database = duckdb.connect(":memory:", config={"memory_limit": memory, "temp_directory": str(folder)})
    reach(database, [folder], reached)
    return database


def file_sql(folder: Path, name: str) -> str:
    """Return a table of a folder as a statement reads it."""
    return f"read_parquet({path_sql(folder / f'{name}.parquet')})"


def refuse_twice(database: duckdb.DuckDBPyConnection) -> None:
    """Refuse conversions of one id, touches of one id of a conversion, and more touches than a conversion carries."""
    twice = "SELECT id, count(*) FROM conversions GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 1"
    for name, count in database.execute(twice).fetchall():
        raise OrdersRefused(f"The conversion {name!r} stands there {count:,} times; send each once.")
    touches = f"touches JOIN conversions c USING ({ROW})"
    twice = f"SELECT c.id, touch_id FROM {touches} GROUP BY c.id, touch_id HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    for name, touch in database.execute(twice).fetchall():
        raise OrdersRefused(f"The conversion {name!r} has the touch {touch!r} twice; send each once.")
    many = f"SELECT c.id, count(*) FROM {touches} GROUP BY c.id HAVING count(*) > {MAX_TOUCHES} ORDER BY ALL LIMIT 1"
    for name, count in database.execute(many).fetchall():
        raise OrdersRefused(f"The conversion {name!r} has {count:,} touches; it carries at most {MAX_TOUCHES}.")


def is_sent(column: Column, subject: Subject) -> bool:
    """Tell whether a fact comes with a conversion, or with a touch."""
    return column.fact.subject == subject and not column.fact.derived


def _rows(folder: Path, name: str, only: Sequence[int] | None) -> Iterator[dict[str, Any]]:
    where = "" if only is None else f"WHERE {ROW} IN (SELECT unnest(?::BIGINT[]))"
    with closing(database_of(folder)) as database:
        given = [] if only is None else [list(only)]
        found = database.execute(f"FROM {file_sql(folder, name)} {where} ORDER BY {ROW}", given)
        names = [each[0] for each in found.description or ()]
        while rows := found.fetchmany(10_000):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


def _touch(row: Mapping[str, Any], wide: Mapping[str, Column]) -> Touch:
    facts = _typed(row, (each for each in wide.values() if is_sent(each, "touch")))
    return Touch(row["touch_id"], row["partner"], row["type"], from_micros(row["at"]), facts)


def _typed(row: Mapping[str, Any], columns: Iterable[Column]) -> dict[str, Value]:
    """Return the facts of a row."""
    found: dict[str, Value] = {}
    for each in columns:
        held = row.get(each.name)
        if held is not None:
            found[each.fact.name] = _value(each, held)
    return found


def _value(column: Column, held: Any) -> Value:
    if column.fact.type == "records":
        return tuple(
            {name: typed(of.scalar, item[of.name]) for name, of in column.fields.items() if item[of.name] is not None}
            for item in held
        )
    if column.is_list:
        return tuple(str(typed(column.scalar, member)) for member in held)
    value: Scalar = typed(column.scalar, held)
    return value
