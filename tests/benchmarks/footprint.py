"""What a rule version of 20 rows costs before and beside its decisions: time to read and compile it, and memory.

    python -m tests.benchmarks.footprint [--quick] [--write]

Each of the versions differs from the others. `--write` puts the table into app/docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from app.adapters.durable_matcher import DurableMatcher
from app.engine.matcher import RuleConditions
from tests.benchmarks.candidates import conditions, facts
from tests.benchmarks.decision_table import Row, orders, table
from tests.benchmarks.measuring import markdown, publish, where_and_when

ROWS = 20
COMMAND = "python -m tests.benchmarks.footprint"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=COMMAND)
    parser.add_argument("--quick", action="store_true", help="few versions: that it runs, not how much")
    parser.add_argument("--write", action="store_true", help="put the table into app/docs/benchmarks.md")
    given = parser.parse_args(arguments)
    count = 5 if given.quick else 300
    (one,) = facts(orders(1))
    matcher = DurableMatcher(capacity=100 * count)  # none is evicted

    tables = [table(ROWS, version) for version in range(count)]
    rules: list[RuleConditions] = []
    read, typed_bytes = _spent([partial(_read, rows, rules) for rows in tables])
    decide = [partial(matcher.matched, each, one) for each in rules]
    first, compiled_bytes = _spent(decide)
    again, _ = _spent(decide)
    _, changed_bytes = _spent([matcher.close, *decide])

    head = ("of a version of 20 rows", "median or mean")
    lines = [
        ("parse and type-check its JSON", f"{read * 1e3:.2f} ms"),
        ("compile it, first decision included", f"{first * 1e3:.2f} ms"),
        ("the next decision", f"{again * 1e6:.0f} µs"),
        ("memory of the typed rules", f"{typed_bytes / count / 1024:,.0f} KiB"),
        ("memory of the compiled rules", f"{compiled_bytes / count / 1024:,.0f} KiB"),
        ("more, once it was evicted and compiled again", f"{changed_bytes / count / 1024:,.0f} KiB"),
    ]
    heading = f"`{COMMAND}`, {where_and_when('durable-rules')}. {count:,} versions; times are medians, memory is the mean growth of the process."
    publish("footprint", f"{heading}\n\n{markdown(head, lines)}", write=given.write)


def _read(rows: Sequence[Row], rules: list[RuleConditions]) -> None:
    rules.append(conditions(rows))


def _spent(steps: Sequence[Callable[[], object]]) -> tuple[float, int]:
    """Return the median CPU seconds of the steps, and by how many bytes the process grew."""
    gc.collect()
    before, taken = _resident(), []
    for step in steps:
        started = time.process_time()
        step()
        taken.append(time.process_time() - started)
    gc.collect()
    return statistics.median(taken), _resident() - before


def _resident() -> int:
    """Return the bytes this process has in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
