"""How time grows with the number of rules: from 20 to 1,000, cut into engine sets, with few and with many of them true.

    python -m tests.benchmarks.large_sets [--quick] [--write]

A rule set holds at most 200 rules; beyond that, several are matched as one. `--write` puts the tables into
app/docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.adapters.durable_matcher import DurableMatcher
from app.adapters.durable_plan import engine_sets
from app.engine.matcher import Facts, Matcher, RuleConditions
from app.engine.reference import ReferenceMatcher
from tests.benchmarks.candidates import conditions, facts, matching
from tests.benchmarks.decision_table import Row, orders, table, wide_table
from tests.benchmarks.measuring import in_turn, markdown, micros, publish, where_and_when

SIZES = (20, 50, 100, 200, 500, 1000)
QUICK_SIZES = (20, 300)
COMMAND = "python -m tests.benchmarks.large_sets"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one size takes; times in µs."""

    rules: int
    sets: int
    true: float
    build: float
    durable: float
    reference: float

    def line(self) -> tuple[str, ...]:
        return (
            f"{self.rules:,}",
            f"{self.sets}",
            f"{self.true:.1f}",
            f"{self.build / 1000:.1f}",
            f"{self.durable:.1f}",
            f"{self.durable / self.rules:.2f}",
            f"{self.reference:.1f}",
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=COMMAND)
    parser.add_argument("--quick", action="store_true", help="few conversions: that it runs, not how fast")
    parser.add_argument("--write", action="store_true", help="put the tables into app/docs/benchmarks.md")
    given = parser.parse_args(arguments)
    sizes, count, rounds = (QUICK_SIZES, 20, 1) if given.quick else (SIZES, 200, 7)
    sections = []
    for title, rows in (("Few rules are true", table), ("Most rules are true", wide_table)):
        measured = _measured(rows, sizes, count, rounds)
        grown = measured[-1].durable / measured[0].durable
        rules = f"{sizes[-1]:,} rules are {sizes[-1] // sizes[0]} times {sizes[0]}, and take {grown:.1f} times as long"
        sections.append(f"{title}. {rules}:\n\n{_table(measured)}")
    heading = f"`{COMMAND}`, {where_and_when('durable-rules')}. Medians of {rounds} rounds of {count:,} conversions."
    publish("large sets", "\n\n".join([heading, *sections]), write=given.write)


def _table(measured: Sequence[Measured]) -> str:
    head = ("rules", "engine sets", "true at once", "build, ms", "durable, µs", "durable, µs per rule", "reference, µs")
    return markdown(head, (each.line() for each in measured))


def _measured(rows: Callable[[int], tuple[Row, ...]], sizes: Sequence[int], count: int, rounds: int) -> list[Measured]:
    """Return what each size takes, all sizes in every round."""
    given = facts(orders(count))
    rules = {size: conditions(rows(size)) for size in sizes}
    engines: dict[str, Matcher] = {"durable": DurableMatcher(), "reference": ReferenceMatcher()}
    runs = {f"{name} {size}": matching(engines[name], rules[size], given) for size in sizes for name in engines}
    answers = {size: runs[f"reference {size}"]() for size in sizes}
    for size in sizes:
        assert runs[f"durable {size}"]() == answers[size], f"durable decides {size} rules differently"
    times = in_turn(runs, rounds)
    return [
        Measured(
            rules=size,
            sets=len(engine_sets(rules[size].rules)),
            true=statistics.mean(map(len, answers[size])),
            build=_build(rules[size], given[0], rounds),
            durable=micros(times[f"durable {size}"], count),
            reference=micros(times[f"reference {size}"], count),
        )
        for size in sizes
    ]


def _build(rules: RuleConditions, one: Facts, rounds: int) -> float:
    """Return the µs from typed rules to the first answer, less one more answer."""
    taken = []
    for _ in range(rounds):
        matcher = DurableMatcher()
        first, second = _seconds(matcher, rules, one), _seconds(matcher, rules, one)
        taken.append(first - second)
        matcher.close()
    return micros(taken, 1)


def _seconds(matcher: Matcher, rules: RuleConditions, one: Facts) -> float:
    started = time.process_time()
    matcher.matched(rules, one)
    return time.process_time() - started


if __name__ == "__main__":
    main()
