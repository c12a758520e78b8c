"""Rating real impressions a thousand times over: counted in bulk, and their days decided.

    nice python -m tests.benchmarks.impressions_at_scale [--copies 1000] [--engine duckdb|spark] [--memory 3GB]

The 60,000 impressions of the Open Bandit data are replicated inside the engine, each copy under two contracts of its own with
the terms of the story. Every copy has to come to the statements that are worked out without the product. Prints seconds by
the clock and of CPU, for counting and for deciding, and the peak of memory; Java's is counted with it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.bulk.days import days_of, decide_days, statements_of_days
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.impressions import ImpressionTable, count_impressions
from app.bulk.pipeline.runner import Runner
from app.core.resources import shipped
from app.engine.reference import ReferenceMatcher
from app.engine.terms import TermsHistory
from app.rulelang.declared import read_declared
from app.rulelang.diagnostics import Findings
from tests.builders.open_bandit import IMPRESSIONS, rows
from tests.builders.terms import history
from tests.independent.open_bandit import lines

NOW = datetime(2019, 12, 5, 9, tzinfo=UTC)
STORY = read_yaml(shipped("fixtures") / "impressions" / "open_bandit.yaml").data
CATALOGUE = shipped_catalogue().extended(read_declared(STORY["program"]["facts"], shipped_catalogue(), Findings()))
TABLE = ImpressionTable(CATALOGUE, ["campaign", "position"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="python -m tests.benchmarks.impressions_at_scale")
    parser.add_argument("--copies", type=int, default=1_000)
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb")
    parser.add_argument("--memory", default="3GB", help="the memory that the engine may take")
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="termline-") as folder,
        _opened(given.engine, given.memory, folder) as runner,
    ):
        json.dump(measured(runner, given.copies), sys.stdout, indent=2)
    print()


@contextmanager
def _opened(engine: str, memory: str, folder: str) -> Iterator[Any]:
    if engine == "duckdb":
        runner: Any = DuckDbRunner(memory=memory, spill=Path(folder))
    else:
        from app.bulk.spark_engine import SparkRunner

        runner = SparkRunner(memory=memory.removesuffix("B").lower(), spill=Path(folder))
    try:
        yield runner
    finally:
        runner.close()


def measured(runner: Runner, copies: int) -> dict[str, Any]:
    """Return what it took to count and to decide the impressions of so many copies."""
    replicate(runner, copies)
    terms = histories(copies)
    zones = {each.contract.id: each.contract.timezone for each in terms}
    started = _now(runner)
    counts = list(count_impressions(runner, TABLE, zones, now=NOW))
    counted = _now(runner)
    decisions = decide_days(terms, days_of(counts, "zozo"), ReferenceMatcher(), now=NOW)
    totals = {
        (each.contract, f"{each.month:%Y-%m}"): (each.amount, each.lines) for each in statements_of_days(decisions)
    }
    decided = _now(runner)
    assert totals == worked_out(copies), "a copy does not come to what is worked out"
    return {
        "impressions": 60_000 * copies,
        "contracts": len(terms),
        "deliveries": len(counts),
        "statements": len(totals),
        "counting": {"wall": counted[0] - started[0], "cpu": counted[1] - started[1]},
        "deciding": {"wall": decided[0] - counted[0], "cpu": decided[1] - counted[1]},
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 + _java(runner)[1],
    }


def replicate(runner: Runner, copies: int) -> None:
    """Make the table of impressions: the real ones so many times, nothing of it loaded but once."""
    runner.load("base", TABLE.structure, (_row(row) for _, row in rows()))
    runner.load("copies", {"copy": "VARCHAR"}, ({"copy": f"{number:04}"} for number in range(copies)))
    names = [name for name in TABLE.structure if name != "contract"]
    contract = exp.alias_(parse_one("CONCAT(b.contract, '-', c.copy)"), "contract")
    columns = [contract, *(exp.column(name, table="b") for name in names)]
    runner.name("impressions", exp.select(*columns).from_("base AS b").join("copies AS c", join_type="cross"))


def _row(row: dict[str, str]) -> dict[str, Any]:
    facts = {"campaign": row["campaign"], "position": int(row["position"])}
    placement = f"{row['campaign']}-{row['position']}"
    return TABLE.row(row["policy"], placement, datetime.fromisoformat(row["served_at"]), facts)


def histories(copies: int) -> list[TermsHistory]:
    """Return the contracts of the story, so many times."""
    found = []
    for contract in STORY["contracts"]:
        drawn = history(contract["versions"], catalogue=CATALOGUE, currency="JPY", timezone="Asia/Tokyo")
        for number in range(copies):
            name = f"{contract['id']}-{number:04}"
            party = replace(drawn.contract, id=name, partner=name)
            found.append(TermsHistory(party, [span.version for span in drawn.spans], drawn.as_of))
    return found


def worked_out(copies: int) -> dict[tuple[str, str], tuple[Decimal, int]]:
    """Return what each copy has to come to."""
    one: dict[tuple[str, str], tuple[Decimal, int]] = {("bts", "2019-12"): (Decimal(0), 0)}
    for (policy, day, rule), amount in lines(IMPRESSIONS).items():
        if not rule.startswith("click-"):
            total, count = one.get((policy, day[:7]), (Decimal(0), 0))
            one[policy, day[:7]] = total + amount, count + (amount != 0)
    return {
        (f"{policy}-{number:04}", month): total for (policy, month), total in one.items() for number in range(copies)
    }


def _now(runner: Runner) -> tuple[float, float]:
    return time.perf_counter(), time.process_time() + _java(runner)[0]


def _java(runner: Any) -> tuple[float, float]:
    """Return the seconds of CPU and the megabytes at most of Spark's Java; of DuckDB there is none."""
    if not hasattr(runner, "session"):
        return 0.0, 0.0
    jvm = Path("/proc") / str(runner.session._jvm.java.lang.ProcessHandle.current().pid())
    fields = (jvm / "stat").read_text().rpartition(")")[2].split()
    peak = next(line for line in (jvm / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1024


if __name__ == "__main__":
    main()
