"""Impression logs as DuckDB reads them: CSV, NDJSON and Parquet, each row as its mapping says. What cannot be read as that is
named with its file and line, and then nothing is counted. Counting is `impressions.py`'s.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import duckdb
import orjson
from sqlglot import exp

from app.bulk.duckdb_engine import SETTINGS
from app.bulk.duckdb_runner import DuckDbRunner, reach
from app.bulk.impressions import SEEN, TABLE, ImpressionsRefused, ImpressionTable
from app.bulk.log_values import EXPECTED, text_sql, value_of
from app.rulelang.diagnostics import described

Made: TypeAlias = tuple[tuple[bool, str], ...]
"""What a text is made of: pieces of text, and names of columns, which are the true ones."""

FORMATS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
SHOWN = 5
"""How many rows that cannot be read are named."""
_AT = re.compile(r"CSV Error on Line: (\d+)")


@dataclass(frozen=True, slots=True)
class ImpressionParts:
    """What the parts of an impression are made of; facts by their names in the catalogue, those that are true or not of an
    impression among them."""

    contract: Made
    placement: Made
    served_at: Made
    facts: Mapping[str, Made]


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log: its format, and the types of its columns by name. In NDJSON each row may have others."""

    path: Path
    format: str
    columns: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class _Target:
    """A column of impressions: the text it is read from, its value, and what it has to be in words."""

    name: str
    text: str
    value: str
    expected: str
    is_required: bool = False

    @property
    def is_bad(self) -> str:
        return (
            f"({self.value}) IS NULL" if self.is_required else f"({self.text}) IS NOT NULL AND ({self.value}) IS NULL"
        )


class LogRunner(DuckDbRunner):
    """DuckDB with these logs in reach, and nothing else."""

    def __init__(self, paths: Sequence[Path], *, memory: str, spill: Path) -> None:
        config: dict[str, Any] = {"memory_limit": memory, "temp_directory": str(spill)}
        kept = {name: value for name, value in SETTINGS.items() if name.startswith(("auto", "default"))}
        self.connection = duckdb.connect(":memory:", config={**config, **kept})
        reach(self.connection, files=paths)

    def ask(self, sql: str, log: LogFile) -> list[tuple[Any, ...]]:
        """Return what a query over a log finds. ImpressionsRefused, with file and line, where it is damaged."""
        try:
            return self.connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise ImpressionsRefused(_damage(error, log)) from error


def open_log(runner: LogRunner, path: Path) -> LogFile:
    """Return a log with its columns."""
    format_ = FORMATS.get(path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix)
    if format_ is None or (format_ == "parquet" and path.suffix == ".gz"):
        known = ", ".join(FORMATS)
        raise ImpressionsRefused(f"{path}: a log is a file {known}; CSV and NDJSON may be packed, .gz.")
    if format_ == "ndjson":
        return LogFile(path, format_, None)
    if format_ == "parquet":
        found = runner.ask(f"DESCRIBE SELECT * FROM read_parquet({text_sql(str(path))})", LogFile(path, format_, None))
        return LogFile(path, format_, {str(row[0]): str(row[1]) for row in found})
    with _opened(path) as file:
        header = next(csv.reader(file), [])
    if not header or len(set(header)) != len(header):
        raise ImpressionsRefused(f"{path}:1: the first line names the columns, each once.")
    return LogFile(path, format_, dict.fromkeys(header, "VARCHAR"))


def read_logs(runner: LogRunner, table: ImpressionTable, parts: ImpressionParts, logs: Sequence[LogFile]) -> int:
    """Make the impressions of logs known to an engine, and return how many there are. ImpressionsRefused names the rows
    that cannot be read."""
    count = 0
    queries = []
    for log in logs:
        targets = list(_targets(table, parts, log))
        count += _checked(runner, log, targets)
        values = ", ".join(f"{each.value} AS {each.name}" for each in targets)
        queries.append(f"SELECT {values} FROM {_source(log)}")
    runner.connection.execute(f"CREATE VIEW {TABLE} AS {' UNION ALL '.join(queries)}")
    return count


def _targets(table: ImpressionTable, parts: ImpressionParts, log: LogFile) -> Iterator[_Target]:
    for name in ("contract", "placement"):
        text = _made(getattr(parts, name), log)
        yield _Target(name, text, text, "there", is_required=True)
    at = _made(parts.served_at, log)
    yield _Target("served_at", at, _served_at(parts.served_at, log), "an instant with an offset", is_required=True)
    for fact in table.seen:
        text = _made(parts.facts[fact], log)
        yield _Target(SEEN[fact], text, value_of("boolean", text), "true or false")
    for fact, column in table.columns.items():
        text = _made(parts.facts[fact], log)
        yield _Target(column.name, text, value_of(column.scalar, text), EXPECTED[column.scalar])


def _checked(runner: LogRunner, log: LogFile, targets: Sequence[_Target]) -> int:
    """Return how many rows a log has, all of which can be read."""
    bad = " OR ".join(each.is_bad for each in targets)
    ((count, wrong),) = runner.ask(f"SELECT count(*), count(*) FILTER (WHERE {bad}) FROM {_source(log)}", log)
    if not wrong:
        return int(count)
    shown = ", ".join(f"CASE WHEN {each.is_bad} THEN [{each.text}] END" for each in targets)
    numbered = f"SELECT *, row_number() OVER () AS row_in_log FROM {_source(log)}"
    rows = runner.ask(
        f"SELECT row_in_log, {shown} FROM ({numbered}) WHERE {bad} ORDER BY row_in_log LIMIT {SHOWN}", log
    )
    lines = _lines_of(log, [int(row[0]) for row in rows])
    said = []
    for number, *found in rows:
        for target, held in zip(targets, found, strict=True):
            if held is not None:
                what = "is missing" if held[0] is None else f"is {target.expected}; found {described(held[0])}"
                said.append(f"{log.path}{lines[int(number)]}: {_plain(target.name)} {what}")
    more = [f"{wrong - len(rows):,} more rows like these"] if wrong > len(rows) else []
    raise ImpressionsRefused("\n".join((*said, *more)) + "\nNothing was counted.")


def _plain(name: str) -> str:
    return re.sub(r"^f\d+_", "", name)


def _lines_of(log: LogFile, rows: Sequence[int]) -> dict[int, str]:
    """Return where rows stand in a log, by their numbers: the line, or in a table of columns the row."""
    if log.format == "parquet":
        return {number: f", row {number:,}" for number in rows}
    wanted, found = set(rows), {}
    with _opened(log.path) as file:
        if log.format == "csv":
            reader = csv.reader(file)
            next(reader)
            before = reader.line_num
            for number, _ in enumerate((row for row in reader if row), start=1):
                if number in wanted:
                    found[number] = f":{before + 1}"
                before = reader.line_num
        else:
            written = (at for at, line in enumerate(file, start=1) if line.strip())
            found = {number: f":{at}" for number, at in enumerate(written, start=1) if number in wanted}
    return found


def _opened(path: Path) -> IO[str]:
    try:
        raw: Any = gzip.GzipFile(path) if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise ImpressionsRefused(f"{path} cannot be read: {error.strerror}.") from error
    return io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="")


def _source(log: LogFile) -> str:
    path = text_sql(str(log.path))
    if log.format == "parquet":
        return f"read_parquet({path})"
    if log.format == "ndjson":
        return f"read_ndjson_objects({path})"
    columns = ", ".join(f"{text_sql(name)}: 'VARCHAR'" for name in log.columns or {})
    written = "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"'"
    return f"read_csv({path}, {written}, columns = {{{columns}}})"


def _made(made: Made, log: LogFile) -> str:
    """Return the text of a part; where a column is empty, so is what is made of it."""
    return " || ".join(_column(text, log) if is_column else text_sql(text) for is_column, text in made)


def _column(name: str, log: LogFile) -> str:
    if log.columns is None:
        # A number with a point is refused as everywhere: who wrote it may have meant another one.
        at = text_sql("$." + '"' + name.replace('"', '\\"') + '"')
        return (
            f"CASE WHEN json_type(json, {at}) NOT IN ('DOUBLE', 'OBJECT', 'ARRAY') THEN nullif(json ->> {at}, '') END"
        )
    if log.columns[name] in ("DOUBLE", "FLOAT"):
        raise ImpressionsRefused(f"{log.path}: the column {name} holds floating-point numbers, which are not exact.")
    of = exp.to_identifier(name, quoted=True).sql("duckdb")
    return f"nullif(CAST({of} AS VARCHAR), '')"


def _served_at(made: Made, log: LogFile) -> str:
    (is_column, name), *more = made
    kind = (log.columns or {}).get(name, "") if is_column and not more else ""
    if kind.startswith("TIMESTAMP") and kind.endswith("WITH TIME ZONE"):
        return f"epoch_us({exp.to_identifier(name, quoted=True).sql('duckdb')})"
    return value_of("instant", _made(made, log))


def _damage(error: duckdb.Error, log: LogFile) -> str:
    """Return what is wrong with a damaged log, and in which line."""
    said = str(error)
    line = _AT.search(said)
    if line is not None:
        reason = "not UTF-8 text" if "utf-8" in said else _columns_in(said)
        return f"{log.path}:{line[1]}: {reason}."
    at = _line_that_is_no_json(log) if log.format == "ndjson" else None
    if at is not None:
        return f"{log.path}:{at}: not a JSON object."
    return f"{log.path} cannot be read: {said.splitlines()[0].rpartition(': ')[0] or said}."


def _columns_in(said: str) -> str:
    found = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said)
    return f"{found[2]} columns, where the header has {found[1]}" if found else said.splitlines()[0]


def _line_that_is_no_json(log: LogFile) -> int | None:
    try:
        with _opened(log.path) as file:
            for at, line in enumerate(file, start=1):
                if line.strip() and not isinstance(orjson.loads(line), dict):
                    return at
    except orjson.JSONDecodeError:
        return at
    except (OSError, EOFError, zlib.error):
        return None
    return None
