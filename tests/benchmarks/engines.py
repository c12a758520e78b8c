"""One decision table of 20 rows on our engines and on two others, and what it costs to verify every decision.

    python -m tests.benchmarks.engines [--quick] [--without-peers] [--write]

All engines have to give the same answers on all conversions before any time is taken. `--write` puts the tables into
app/docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence

from tests.benchmarks.candidates import (
    ALWAYS,
    OFF,
    REFERENCE,
    conditions,
    conversions,
    deciding,
    facts,
    matchers,
    matching,
    terms,
)
from tests.benchmarks.decision_table import Order, Row, orders, table
from tests.benchmarks.measuring import in_turn, markdown, micros, publish, ratio, where_and_when

ROWS = 20
FEW_ROWS = 12
COMMAND = "python -m tests.benchmarks.engines"
ZEN_FIRST = "zen-engine, engine.evaluate, first row only"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=COMMAND)
    parser.add_argument("--quick", action="store_true", help="few conversions: that it runs, not how fast")
    parser.add_argument("--without-peers", action="store_true", help="our own engines only")
    parser.add_argument("--write", action="store_true", help="put the tables into app/docs/benchmarks.md")
    given = parser.parse_args(arguments)
    count, rounds = (50, 1) if given.quick else (2000, 9)
    compared = _compared(orders(count), rounds, with_peers=not given.without_peers)
    verified = _verified(orders(count), rounds)
    packages = ["durable-rules", *([] if given.without_peers else ["zen-engine", "rule-engine"])]
    heading = f"`{COMMAND}`, {where_and_when(*packages)}. Medians of {rounds} rounds of {count:,} conversions."
    publish("engines", f"{heading}\n\n{compared}\n\n{verified}", write=given.write)


def _compared(given: tuple[Order, ...], rounds: int, *, with_peers: bool) -> str:
    """Return the table of all engines on the same 20 rows."""
    rows = table(ROWS)
    rules, typed = conditions(rows), facts(given)
    engines: dict[str, Callable[[], list[frozenset[str]]]]
    engines = {name: matching(matcher, rules, typed) for name, matcher in matchers().items()}
    candidates: dict[str, Callable[[], object]] = dict(engines)
    if with_peers:
        from tests.benchmarks.peers import peers, zen_first  # they may not be installed

        engines |= peers(rows, given)
        first = zen_first(rows, given)
        _assert_same_first(rows, engines[REFERENCE](), first())
        candidates = {**engines, ZEN_FIRST: first}
    _assert_same(engines)
    times = in_turn(candidates, rounds)
    lines = [
        (
            name,
            f"{micros(times[name], len(given)):.1f}",
            f"{_per_second(times[name], len(given)):,.0f}",
            _times(times, name),
        )
        for name in candidates
    ]
    head = (f"{ROWS} rows", "µs per decision", "decisions per s and core", f"time ÷ that of {OFF}")
    return markdown(head, lines)


def _times(times: Mapping[str, Sequence[float]], name: str) -> str:
    return f"{ratio(times, name, OFF):.2f}"


def _per_second(seconds: Sequence[float], count: int) -> float:
    return 1e6 / micros(seconds, count)


def _assert_same(engines: Mapping[str, Callable[[], list[frozenset[str]]]]) -> None:
    """Every engine names the same rows for every conversion: sets of text, and not merely equal ones."""
    expected = engines[REFERENCE]()
    assert any(expected), "no row is ever true"
    assert not all(expected), "some row is always true"
    for name, answers in engines.items():
        found = answers()
        assert all(type(each) is frozenset and all(type(row) is str for row in each) for each in found), name
        assert found == expected, f"{name} gives other answers than the reference"


def _assert_same_first(rows: Sequence[Row], expected: list[frozenset[str]], found: list[str | None]) -> None:
    assert found == [next((row.id for row in rows if row.id in each), None) for each in expected], ZEN_FIRST


def _verified(given: tuple[Order, ...], rounds: int) -> str:
    """Return the table of what verifying adds, for the matcher alone and for a whole decision."""
    lines = []
    for rows in (table(FEW_ROWS), table(ROWS)):
        engines, rules, typed = matchers(), conditions(rows), facts(given)
        whole, sent = terms(rows), conversions(given)
        levels: dict[str, Mapping[str, Callable[[], Sequence[object]]]] = {
            "matcher alone": {name: matching(engine, rules, typed) for name, engine in engines.items()},
            "whole decision, `evaluate()`": {name: deciding(engine, whole, sent) for name, engine in engines.items()},
        }
        for level, runs in levels.items():
            assert runs[OFF]() == runs[ALWAYS]() == runs[REFERENCE]()
            lines.append((len(rows), level, *_cost(in_turn(runs, rounds), len(given))))
    head = ("rows", "level", "off, µs", "always, µs", "always, decisions per s and core", "verifying adds")
    return markdown(head, lines)


def _cost(times: Mapping[str, Sequence[float]], count: int) -> tuple[str, ...]:
    off, always = micros(times[OFF], count), micros(times[ALWAYS], count)
    added = ratio(times, ALWAYS, OFF) - 1
    return f"{off:.1f}", f"{always:.1f}", f"{_per_second(times[ALWAYS], count):,.0f}", f"{added:.0%}"


if __name__ == "__main__":
    main()
