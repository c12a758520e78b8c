"""Apache Spark in local mode: its one session, how rows get into it, and what it is asked. The only file that imports it,
and only when a session is asked for: it is an extra (`pip install 'termline[spark]'`) and needs Java.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from sqlglot import exp

from app.bulk.fact_table import Row, Structure
from app.bulk.spark_sql import DIALECT, spark_sql
from app.engine.matcher import EngineFault

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

R = TypeVar("R")

# Time is UTC, and what does not fit is an error: without ANSI mode it would be NULL, or wrap round, and SIZE(NULL) is -1.
# Nothing listens but to this machine, and nothing is served.
_SETTINGS: Mapping[str, str] = {
    "spark.app.name": "termline",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "FATAL",
    "spark.sql.ansi.enabled": "true",
    # A recursive query goes on for as many rows as a part has, not for 100.
    "spark.sql.cteRecursionLevelLimit": "-1",
    "spark.sql.cteRecursionRowLimit": "-1",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_QUIET = """
rootLogger.level = fatal
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c: %m%n
"""


class SparkRunner:
    """Runs trees on the session of this process, with tables of its own. Tables are Parquet files in a folder."""

    dialect = DIALECT

    def __init__(self, *, memory: str = "2g", spill: Path | None = None) -> None:
        self.session = open_session(memory).newSession()
        self._folder = Path(tempfile.mkdtemp(prefix="termline-spark-", dir=spill))
        self._count = 0

    def load(self, name: str, structure: Mapping[str, Structure], rows: Iterable[Row]) -> None:
        """Make a table of rows. A value that does not fit is a fault, and not NULL."""
        given = self._folder / f"{name}.ndjson"
        try:
            with given.open("wb") as file:
                file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        except TypeError as error:
            raise EngineFault(f"rows cannot be handed to Spark: {error}") from error
        reader = self.session.read.schema(ddl_of(structure)).option("mode", "FAILFAST").option("lineSep", "\n")
        self._store(name, lambda: reader.json(str(given)))
        given.unlink()

    def attach(self, name: str, file: Path) -> None:
        """Make a table of a Parquet file, which stays where it is."""
        self.session.read.parquet(str(file)).createOrReplaceTempView(name)

    def keep(self, name: str, tree: exp.Query) -> None:
        """Make a table of what a query finds."""
        self._store(name, lambda: self.session.sql(spark_sql(tree)))

    def name(self, name: str, tree: exp.Query) -> None:
        """Call what a query finds by a name, and find it anew each time."""
        found = self._guarded(lambda: self.session.sql(spark_sql(tree)))
        self._guarded(lambda: found.createOrReplaceTempView(name))

    def run(self, tree: exp.Query) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        found = self._guarded(lambda: self.session.sql(spark_sql(tree)).collect())
        return [tuple(row) for row in found]

    def stream(self, tree: exp.Query) -> Iterator[tuple[Any, ...]]:
        """Yield what a query finds, row by row, beside other queries. Memory does not hold all of it."""
        rows = self._guarded(lambda: self.session.sql(spark_sql(tree)).toLocalIterator())
        while (row := self._guarded(lambda: next(rows, None))) is not None:
            yield tuple(row)

    def drop(self, *names: str) -> None:
        """Give tables up. Their files go with the runner."""
        for name in names:
            self.session.catalog.dropTempView(name)

    def close(self) -> None:
        """Remove the tables. The session stays for whoever needs one next."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _store(self, name: str, query: Callable[[], DataFrame]) -> None:
        self._count += 1
        file = str(self._folder / f"{name}-{self._count}")
        self._guarded(lambda: query().write.parquet(file))
        self.session.read.parquet(file).createOrReplaceTempView(name)

    def _guarded(self, work: Callable[[], R]) -> R:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            return work()
        except (PySparkException, Py4JError) as error:
            said = str(error).split("\n\tat ")[0].split("JVM stacktrace")[0].strip()
            raise EngineFault(f"Spark: {type(error).__name__}: {said}") from error


@cache
def open_session(memory: str = "2g") -> SparkSession:
    """Return the session of this process, started when first asked for. EngineFault that says what is missing."""
    check_installed()
    from pyspark.sql import SparkSession

    # What fails is raised, once; Spark would print it as well, two screens of it.
    logging.getLogger("SQLQueryContextLogger").disabled = True
    folder = Path(tempfile.mkdtemp(prefix="termline-spark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    quiet = folder / "log4j2.properties"
    quiet.write_text(_QUIET, encoding="utf-8")
    settings = {
        **_SETTINGS,
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={quiet}",
        "spark.local.dir": str(folder),
        "spark.sql.shuffle.partitions": str(4 * (os.cpu_count() or 1)),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    builder = SparkSession.builder.master("local[*]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def check_installed() -> None:
    """Return if Spark can start. EngineFault that says what is missing, and what to do."""
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise EngineFault("Spark is not installed: pip install 'termline[spark]', about 450 MB") from error
    if not has_java():
        raise EngineFault("Spark needs Java 17 or newer: install a JDK, and put java on PATH or set JAVA_HOME")


def has_java() -> bool:
    """Tell whether there is a Java that Spark would find."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java") is not None if home is None else (Path(home) / "bin" / "java").exists()


def ddl_of(structure: Mapping[str, Structure]) -> str:
    """Return the columns of a table as Spark declares them.

    >>> ddl_of({"n": "BIGINT", "words": ["VARCHAR"], "items": [{"sku": "VARCHAR"}]})
    '`n` BIGINT, `words` ARRAY<STRING>, `items` ARRAY<STRUCT<`sku`: STRING>>'
    """
    return ", ".join(f"`{name}` {_type_of(each)}" for name, each in structure.items())


def _type_of(structure: Structure) -> str:
    match structure:
        case str(name):
            return "STRING" if name == "VARCHAR" else name
        case [member]:
            return f"ARRAY<{_type_of(member)}>"
        case dict(fields):
            return f"STRUCT<{', '.join(f'`{name}`: {_type_of(each)}' for name, each in fields.items())}>"
    raise EngineFault(f"no type: {structure!r}")
