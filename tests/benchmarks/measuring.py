"""How the benchmarks measure: rounds in turn, medians, ratios within a round, and tables in app/docs/benchmarks.md.

Times are CPU seconds of this process, all its threads included: on a shared machine the clock on the wall also counts
what others do. Ratios are taken within each round, so that a slow minute hits both sides.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "app" / "docs" / "benchmarks.md"

Times = Mapping[str, Sequence[float]]


def in_turn(candidates: Mapping[str, Callable[[], object]], rounds: int) -> Times:
    """Return the CPU seconds of each candidate in each round: A B C A B C …, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for each in range(rounds + 1):
        for name, run in candidates.items():
            seconds = _cpu_seconds(run)
            if each > 0:
                times[name].append(seconds)
    return times


def _cpu_seconds(run: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    try:
        started = time.process_time()
        run()
        return time.process_time() - started
    finally:
        gc.enable()


def micros(seconds: Iterable[float], runs: int) -> float:
    """Return the median of several times of `runs` runs as microseconds of one run."""
    return statistics.median(seconds) / runs * 1e6


def ratio(times: Times, above: str, below: str) -> float:
    """Return how many times as long one candidate takes as another, the median of what it is in each round."""
    return statistics.median(a / b for a, b in zip(times[above], times[below], strict=True))


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return (
        "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
        .replace("| --- ", "|---")
        .replace("--- |", "---|")
    )


def where_and_when(*packages: str) -> str:
    """Return the day, the Python and the packages that a table was measured with, in words."""
    day = datetime.now(UTC).date()
    with_packages = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{day.day} {day:%B %Y}, Python {platform.python_version()}, {with_packages}, {os.cpu_count()} cores"


def publish(name: str, text: str, *, write: bool) -> None:
    """Print a section, and put it into the document where its markers are."""
    print(text)
    if write:
        start, end = f"<!-- {name}: made by the command below -->\n", f"<!-- end of {name} -->"
        before, rest = DOCUMENT.read_text(encoding="utf-8").split(start)
        _, after = rest.split(end)
        DOCUMENT.write_text(f"{before}{start}{text}\n{end}{after}", encoding="utf-8")
