"""Billing millions of conversions: the SQL written by hand, and what is held against it, on the same worlds.

    python -m tests.benchmarks.billing_at_scale [--worlds N:C …] [--engines NAME …] [--rounds R] [--memory 3GB]
                                                [--folder F] [--quick] [--write]

A world is so many conversions with three touches each on average, and so many contracts (`big_world.py`). Every run is a
process of its own, and reads the Parquet files; making them is not counted. Rounds are taken in turn, and a run whose
statements differ from those of the others fails. durable decides a sample, one conversion after the other on one core.
`--write` puts the tables into app/docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.big_world import World, make
from tests.benchmarks.billing_runs import BULK, DURABLE, ENGINES, HAND_WRITTEN, Run
from tests.benchmarks.measuring import markdown, publish, where_and_when

__all__ = ["BULK", "DURABLE", "HAND_WRITTEN", "main"]

COMMAND = "python -m tests.benchmarks.billing_at_scale"
MILLION = 1_000_000
WORLDS = (*(World(size * MILLION) for size in (1, 5, 10, 20, 50)), World(5 * MILLION, contracts=10_000))
QUICK = (World(500, contracts=10), World(1_000, contracts=10))

Runs = Mapping[str, Sequence[Run]]


def main(arguments: Sequence[str] | None = None) -> None:
    given = _options().parse_args(arguments)
    worlds = QUICK if given.quick else given.worlds
    rounds = 1 if given.quick else given.rounds
    with ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        measured = [
            (world, _measured(world, folder, _engines(given.engines, at), rounds, given.memory))
            for at, world in enumerate(worlds)
        ]
    text = [
        f"`{COMMAND}`, {where_and_when('duckdb', 'sqlglot', 'durable-rules', 'pyspark')}. Medians of {rounds} rounds; memory of "
        f"databases limited to {given.memory}. Other work kept {os.getloadavg()[2]:.1f} processes busy beside it.",
        markdown(HEAD, [line for world, runs in measured for line in _lines(world, runs)]),
        *_linearity(measured),
    ]
    publish("billing at scale", "\n\n".join(text), write=given.write)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=COMMAND)
    parser.add_argument("--worlds", type=_world, nargs="+", default=WORLDS, help="conversions:contracts of each")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), help="what is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="3GB", help="the memory that a database may take")
    parser.add_argument("--folder", type=Path, help="where the worlds are made, instead of a temporary folder")
    parser.add_argument("--quick", action="store_true", help="two small worlds, once: that it runs, not how fast")
    parser.add_argument("--write", action="store_true", help="put the tables into app/docs/benchmarks.md")
    return parser


def _engines(wanted: Sequence[str], at: int) -> list[str]:
    """Return what bills a world: durable's sample is the same for all worlds, and is taken beside the first."""
    return [engine for engine in wanted if at == 0 or engine != DURABLE]


def _world(text: str) -> World:
    conversions, _, contracts = text.partition(":")
    return World(int(conversions), int(contracts or World(1).contracts))


def _measured(world: World, folder: Path, engines: Sequence[str], rounds: int, memory: str) -> Runs:
    """Return the runs of each engine on a world, all engines in every round."""
    of_world = folder / f"{world.conversions}-{world.contracts}"
    make(of_world, world)
    runs: dict[str, list[Run]] = {engine: [] for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            runs[engine].append(_run(engine, of_world, memory))
            print(f"{world.conversions:,} {world.contracts:,} {engine}: {runs[engine][-1]}", file=sys.stderr)
    shutil.rmtree(of_world)
    found = {run.digest for each in runs.values() for run in each if run.digest}
    assert len(found) <= 1, "the engines do not come to the same statements"
    return runs


def _run(engine: str, folder: Path, memory: str) -> Run:
    command = [sys.executable, "-m", "tests.benchmarks.billing_runs", engine, str(folder), "--memory", memory]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Run(**json.loads(done.stdout.splitlines()[-1]))


HEAD = (
    "conversions",
    "contracts",
    "by",
    "wall, median s",
    "wall, all runs, s",
    "CPU, s",
    "conversions per s",
    f"time ÷ {HAND_WRITTEN}",
    "peak memory, MB",
)


def _lines(world: World, runs: Runs) -> list[tuple[str, ...]]:
    bound = [run.wall / run.conversions for run in runs.get(HAND_WRITTEN, ())]
    return [_line(world, engine, each, bound) for engine, each in runs.items()]


def _line(world: World, engine: str, runs: Sequence[Run], bound: Sequence[float]) -> tuple[str, ...]:
    walls, each = [run.wall for run in runs], [run.wall / run.conversions for run in runs]
    ratio = f"{statistics.median(a / b for a, b in zip(each, bound, strict=True)):.2f}" if bound else ""
    sample = engine == DURABLE
    return (
        f"{runs[0].conversions:,}{' of a sample' if sample else ''}",
        "" if sample else f"{world.contracts:,}",
        engine,
        f"{statistics.median(walls):.1f}",
        f"{min(walls):.1f} to {max(walls):.1f}",
        f"{statistics.median(run.cpu for run in runs):.1f}",
        f"{1 / statistics.median(each):,.0f}",
        ratio,
        f"{max(run.memory for run in runs):,.0f}",
    )


def _linearity(measured: Sequence[tuple[World, Runs]]) -> list[str]:
    """Return, for each engine that decides whole worlds, the time per conversion beside that of the smallest world."""
    alike = [(world, runs) for world, runs in measured if world.contracts == measured[0][0].contracts]
    if len(alike) < 2:
        return []
    engines = [engine for engine in alike[0][1] if engine != DURABLE]
    head = ("µs per conversion", *(f"{world.conversions:,}" for world, _ in alike), "largest ÷ smallest")
    lines = []
    for engine in engines:
        micros = [statistics.median(run.wall / run.conversions for run in runs[engine]) * 1e6 for _, runs in alike]
        lines.append((engine, *(f"{each:.2f}" for each in micros), f"{micros[-1] / micros[0]:.2f}"))
    return [markdown(head, lines)]


if __name__ == "__main__":
    main()
