"""The SQL written by hand, run on the files of a world. What it says is in `hand_written.sql`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import sqlglot

from app.bulk.spark_engine import SparkRunner
from tests.benchmarks.big_world import files

SQL = Path(__file__).with_name("hand_written.sql")


def open_world(folder: Path, memory: str = "3GB") -> duckdb.DuckDBPyConnection:
    """Return a database in memory with a world's files as views. What does not fit into memory goes into the folder."""
    spilled = str(folder / "spilled")
    connection = duckdb.connect(
        config={"memory_limit": memory, "temp_directory": spilled, "preserve_insertion_order": "false"}
    )
    for name, file in files(folder).items():
        connection.execute(f"CREATE VIEW {name} AS FROM '{file}'")
    return connection


def statements() -> Iterator[str]:
    """Yield the SQL statement by statement."""
    for statement in SQL.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            yield statement


def bill(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables `lines` and `statements` of a world."""
    for statement in statements():
        connection.execute(statement)


def bill_on_spark(runner: SparkRunner, folder: Path) -> None:
    """Make the same tables on Spark, by the same SQL as SQLGlot says it there."""
    for name, file in files(folder).items():
        runner.attach(name, file)
    for statement in statements():
        made = sqlglot.parse_one(statement, dialect="duckdb")
        runner.keep(made.this.name, made.expression)
