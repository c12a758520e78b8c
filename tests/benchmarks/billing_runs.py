"""One run of one way of billing a large world, in a process of its own.

    python -m tests.benchmarks.billing_runs ENGINE FOLDER [--memory 3GB]

It prints JSON: seconds by the clock and of CPU, the peak of its memory, how many conversions it decided, and a digest of
all statements, so that whoever compares times can see that the same was calculated.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from sqlglot import exp

from app.adapters.durable_matcher import DurableMatcher
from app.bulk.spark_engine import SparkRunner
from app.engine.reference import ReferenceMatcher
from app.engine.verified import VerifyingMatcher
from tests.benchmarks.big_bulk import (
    FilesRunner,
    SparkFilesRunner,
    attach,
    bill_in_bulk,
    statements_of,
    world_of,
)
from tests.benchmarks.big_online import conversions_of, decide_each, rows_of
from tests.benchmarks.big_terms import histories, versions_in
from tests.benchmarks.big_world import World, make
from tests.benchmarks.hand_written import bill, bill_on_spark, open_world

HAND_WRITTEN, BULK, DURABLE = "hand-written SQL", "bulk, DuckDB", "durable, verify: always"
SPARK, BULK_SPARK = "Spark, hand-written SQL", "bulk, Spark"
# Compiled rules of a thousand contracts take gigabytes, and say nothing else about the rate than those of a few.
SAMPLE = World(conversions=20_000, contracts=10)

Statement = tuple[str, str, int, int]
"""Contract, local month, how many conversions were paid for, and the cents."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took: seconds, megabytes at most, conversions that were decided, and what came out."""

    wall: float
    cpu: float
    memory: float
    conversions: int
    digest: str


def hand_written(folder: Path, memory: str) -> Run:
    """Bill by the SQL written by hand."""
    started = time.perf_counter(), time.process_time()
    with open_world(folder, memory) as connection:
        bill(connection)
        wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
        found = connection.execute("FROM statements").fetchall()
        (count,) = connection.execute("SELECT count(*) FROM conversions").fetchone() or (0,)
    return Run(wall, cpu, _peak(), count, digest_of(found))


def durable(folder: Path, memory: str) -> Run:
    """Decide a sample one by one as online, the rules compiled before."""
    make(folder / "sample", SAMPLE)
    known, matcher = (
        histories(list(SAMPLE.versions())),
        VerifyingMatcher(DurableMatcher(), ReferenceMatcher(), "always"),
    )
    conversions = conversions_of(*rows_of(folder / "sample", _size_of(folder)))
    for _ in decide_each(conversions, known, matcher):
        pass
    started = time.perf_counter(), time.process_time()
    for _ in decide_each(conversions, known, matcher):
        pass
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    return Run(wall, cpu, _peak(), len(conversions), "")


def bulk(folder: Path, memory: str) -> Run:
    """Bill by the bulk engine on DuckDB. Reading the terms is not counted, planning is."""
    world = world_of(versions_in(folder))
    started = time.perf_counter(), time.process_time()
    runner = FilesRunner(folder, memory)
    attach(runner, world, folder)
    bill_in_bulk(runner, world)
    found = statements_of(runner)
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    ((count,),) = runner.run(_ALL)
    runner.close()
    return Run(wall, cpu, _peak(), count, digest_of(found))


def spark(folder: Path, memory: str) -> Run:
    """Bill by the SQL written by hand, as SQLGlot says it to Spark. Its start is not counted."""
    runner = SparkRunner(memory=_of_java(memory), spill=folder)

    def statements() -> list[Statement]:
        bill_on_spark(runner, folder)
        return runner.run(exp.select("contract", "month", "conversions", "paid").from_("statements"))

    return _on_spark(runner, statements)


def bulk_on_spark(folder: Path, memory: str) -> Run:
    """Bill by the trees of the bulk engine on Spark. Its start and reading the terms are not counted, planning is."""
    world = world_of(versions_in(folder))
    runner = SparkFilesRunner(memory=_of_java(memory), spill=folder)

    def statements() -> list[Statement]:
        attach(runner, world, folder)
        bill_in_bulk(runner, world)
        return statements_of(runner)

    return _on_spark(runner, statements)


def _on_spark(runner: SparkRunner, statements: Callable[[], list[Statement]]) -> Run:
    jvm = Path("/proc") / str(runner.session._jvm.java.lang.ProcessHandle.current().pid())  # type: ignore[union-attr]
    started = time.perf_counter(), time.process_time() + _cpu_of(jvm)
    found = statements()
    wall, cpu = time.perf_counter() - started[0], time.process_time() + _cpu_of(jvm) - started[1]
    ((count,),) = runner.run(_ALL)
    peak = next(line for line in (jvm / "status").read_text().splitlines() if line.startswith("VmHWM"))
    runner.close()
    return Run(wall, cpu, _peak() + int(peak.split()[1]) / 1024, count, digest_of(found))


def _of_java(memory: str) -> str:
    """Return an amount of memory as Java writes it."""
    return memory.removesuffix("B").lower()


_ALL = exp.select(exp.Count(this=exp.Star())).from_("conversions")


def _cpu_of(process: Path) -> float:
    """Return the seconds of CPU that another process has taken."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


ENGINES: dict[str, Callable[[Path, str], Run]] = {
    HAND_WRITTEN: hand_written,
    BULK: bulk,
    SPARK: spark,
    BULK_SPARK: bulk_on_spark,
    DURABLE: durable,
}


def _size_of(folder: Path) -> int:
    with open_world(folder) as connection:
        return min(SAMPLE.conversions, connection.execute("SELECT count(*) FROM conversions").fetchone()[0])  # type: ignore[index, no-any-return]


def digest_of(found: Iterable[Statement]) -> str:
    """Return a hash of statements, whatever their order."""
    return sha256(repr(sorted(tuple(each) for each in found)).encode()).hexdigest()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="python -m tests.benchmarks.billing_runs")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--memory", default="3GB")
    given = parser.parse_args(arguments)
    json.dump(asdict(ENGINES[given.engine](given.folder, given.memory)), sys.stdout)


if __name__ == "__main__":
    main()
