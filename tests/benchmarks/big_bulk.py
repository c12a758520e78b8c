"""A large world billed by the pipeline of the bulk engine: on DuckDB, and by the same trees on Spark. The Parquet files are its
tables; nothing is loaded row by row but the terms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.plan import fact_table, sent
from app.bulk.pipeline.reversals import STRUCTURE
from app.bulk.pipeline.run import run
from app.bulk.pipeline.runner import Runner
from app.bulk.pipeline.world import World
from app.bulk.spark_engine import SparkRunner
from tests.benchmarks.big_terms import CURRENCY, PROGRAM, Version, histories
from tests.benchmarks.big_world import files

FACTS_KEPT = ("order_id", "country", "order_value", "is_new_customer")
_STATEMENTS = """SELECT partner, window_month, COUNT(*) AS conversions, CAST(SUM(final_0) AS BIGINT) AS paid
FROM decided WHERE counts GROUP BY partner, window_month"""
_MONTHLY = timedelta(days=1)


class FilesRunner(DuckDbRunner):
    """DuckDB with files in reach."""

    def __init__(self, folder: Path, memory: str) -> None:
        config: dict[str, Any] = {
            "memory_limit": memory,
            "temp_directory": str(folder / "spilled"),
            "preserve_insertion_order": "false",
        }
        self.connection = duckdb.connect(config=config)

    def view(self, name: str, query: str, file: Path) -> None:
        """Make a view of a file."""
        self.connection.execute(f"CREATE VIEW {name} AS " + query.format(f"'{file}'"))


class SparkFilesRunner(SparkRunner):
    """Spark with the files as views."""

    def view(self, name: str, query: str, file: Path) -> None:
        """Make a view of a file."""
        self.attach(f"{name}_in_file", file)
        self.session.sql(query.format(f"{name}_in_file")).createOrReplaceTempView(name)


def world_of(versions: Iterable[Version]) -> World:
    """Return contracts as the pipeline takes them."""
    return World(PROGRAM, CURRENCY, shipped_catalogue(), histories(list(versions)))


def attach(runner: FilesRunner | SparkFilesRunner, world: World, folder: Path) -> None:
    """Make the tables of a world's conversions and touches."""
    facts = ", ".join(f"{_held(each.fact.name)} AS {each.name}" for each in sent(fact_table(world).columns))
    nothing = "CAST(NULL AS STRING) AS partner, CAST(NULL AS BIGINT) AS received_at"
    runner.view(
        "conversions", f"SELECT row_number, id, event_at, {nothing}, {facts} FROM {{}}", files(folder)["conversions"]
    )
    touches = "SELECT row_number, id AS touch_id, partner, type, touched_at AS `at` FROM {}"
    if isinstance(runner, DuckDbRunner):
        touches = touches.replace("`", '"')
    runner.view("touches", touches, files(folder)["touches"])
    runner.load("reversals", STRUCTURE, [])


def bill_in_bulk(runner: Runner, world: World) -> None:
    """Decide everything."""
    run(world, runner, everybody=False)


def statements_of(runner: Runner) -> list[tuple[str, str, int, int]]:
    """Return the statements of what was decided: contract, month, how many conversions and cents."""
    query = sqlglot.parse_one(_STATEMENTS, dialect="duckdb")
    assert isinstance(query, exp.Query)
    return [
        (partner, f"{date(1970, 1, 1) + month * _MONTHLY:%Y-%m}", count, paid)
        for partner, month, count, paid in runner.run(query)
    ]


def _held(name: str) -> str:
    return name if name in FACTS_KEPT else "CAST(NULL AS STRING)"
