"""Time and memory of the whole path on all 69,659 CDNOW orders: take in, decide, bill 48 statements, compare.

    python -m tests.benchmarks.cdnow_full [--runs N] [--engine durable|reference|duckdb]

Each run is `termline replay` of the full story in a process of its own: it starts the embedded server, migrates an empty
schema, takes the orders in, decides each with durable and again with the reference engine, or with the engine that is named
(duckdb: all at once, in bulk), and posts every statement. A run whose statements differ from the independent calculation fails.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.cli.replay import ENGINES
from tests.builders.cdnow import full_story

ORDERS = 69_659


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--engine", choices=ENGINES, default="durable")
    given = parser.parse_args()
    runs = given.runs
    with tempfile.TemporaryDirectory() as name:
        story = full_story(Path(name))
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        environment["TERMLINE_HOME"] = f"{name}/home"
        measured = [_run(story, environment, given.engine) for _ in range(runs)]
    wall, cpu, memory = (statistics.median(values) for values in zip(*measured, strict=True))
    spread = f"{min(run[0] for run in measured):.1f} to {max(run[0] for run in measured):.1f}"
    print(
        "| orders | wall, median s | wall, all runs s | CPU of the command, s | orders decided and billed per s | peak memory of the command, MB |"
    )
    print("|---|---|---|---|---|---|")
    print(f"| {ORDERS:,} | {wall:.1f} | {spread} | {cpu:.1f} | {ORDERS / wall:,.0f} | {memory:.0f} |")


def _run(story: Path, environment: dict[str, str], engine: str) -> tuple[float, float, float]:
    started = time.perf_counter()
    command = ["-c", "from app.cli import main; main()", "replay", "--engine", engine, str(story)]
    watcher = (
        "import os, resource, subprocess, sys; code = subprocess.call([sys.executable, *sys.argv[1:]]);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print('USED', used.ru_utime + used.ru_stime, used.ru_maxrss / 1024); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", watcher, *command], env=environment, capture_output=True, text=True)
    wall = time.perf_counter() - started
    used = re.search(r"USED (\S+) (\S+)", done.stdout)
    if done.returncode or used is None:
        sys.exit(f"the run failed:\n{done.stdout}{done.stderr}")
    return wall, float(used[1]), float(used[2])


if __name__ == "__main__":
    main()
