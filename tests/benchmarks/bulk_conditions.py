"""Bulk conditions against durable: a decision table of 20 rows with 5 tests each, on five million rows.

    python -m tests.benchmarks.bulk_conditions [--rows N] [--runs N]

The rows are made inside DuckDB; how long that takes is not counted. Bulk decides all of them and stores every verdict, in
one statement, with all the cores there are. durable decides a sample of the same rows on one core, one after the other and
each already typed: alone, and with every decision verified by the reference, as it is run online. The run fails where one of
the three says something else.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
from sqlglot import exp

from app.adapters.durable_matcher import DurableMatcher
from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_engine import DIALECT, open_engine
from app.bulk.fact_table import ROW, FactTable
from app.bulk.statement import true_of, verdicts
from app.engine.matcher import Facts, Matcher, RuleConditions
from app.engine.reference import ReferenceMatcher
from app.engine.verified import VerifyingMatcher
from app.rulelang.ast import conditions_of
from app.rulelang.ruleset import rules_from

SAMPLE = 20_000
Taken = tuple[float, float]
"""Seconds by the clock, and of CPU."""
COUNTRIES = ("US", "CA", "MX", "GB", "FR", "DE", "ES", "IT", "JP", "BR")
DEVICES = ("ctv", "desktop", "mobile", "tablet", "other")
# Each fact as a function of the row; one in ten to one in twenty of the optional ones is absent.
MADE = {
    "country": f"CASE WHEN h % 10 > 0 THEN {list(COUNTRIES)}[1 + h // 16 % {len(COUNTRIES)}] END",
    "device_type": f"{list(DEVICES)}[1 + h // 256 % {len(DEVICES)}]",
    "order_value": "(h // 4096 % 30000000000)::BIGINT",
    "is_new_customer": "CASE WHEN h // 7 % 20 > 0 THEN h // 65536 % 2 = 0 END",
    "coupon_code": "CASE WHEN h // 11 % 10 > 0 THEN 'SAVE' || (h // 131072 % 40)::VARCHAR END",
    "quantity": "CASE WHEN h // 13 % 20 > 0 THEN (h // 1048576 % 12)::BIGINT END",
    "signup_on": "CASE WHEN h // 17 % 10 > 0 THEN DATE '2020-01-01' + (h // 2097152 % 2000)::INTEGER END",
}
DECODED: Mapping[str, Callable[[Any], Any]] = {
    "decimal": lambda value: Decimal(value).scaleb(-6),
    "instant": lambda value: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value),
    "duration": lambda value: timedelta(microseconds=value),
}


def decision_table() -> RuleConditions:
    """Return 20 rows of 5 tests: text, an enum, a range of money, a boolean or part of a text, a number or a date."""
    rows = [{"id": f"row{at}", "when": {"all": _tests(at)}, "then": {"flat": str(at)}} for at in range(20)]
    body = {"kind": "payout", "on": "conversion", "hit": "sum", "rules": rows, "otherwise": {"flat": "0"}}
    checked = rules_from(body, shipped_catalogue())
    return RuleConditions(checked.hash, tuple(conditions_of(checked.body)))


def _tests(at: int) -> list[dict[str, Any]]:
    countries = [COUNTRIES[(at + step) % len(COUNTRIES)] for step in range(3)]
    low = 1000 * (at % 10)
    return [
        {"fact": "country", "op": "in", "value": countries},
        {"fact": "device_type", "op": "neq" if at % 3 else "eq", "value": DEVICES[at % 5]} | _absent(at % 3 > 0),
        {"fact": "order_value", "op": "between", "value": [f"{low}.50", f"{low + 15000}.49"]},
        [
            {"fact": "is_new_customer", "op": "eq", "value": at % 4 == 0, "if_missing": "match"},
            {"fact": "coupon_code", "op": "starts_with", "value": f"SAVE{at % 4}"},
        ][at % 2],
        [
            {"fact": "quantity", "op": "gte", "value": at % 6},
            {"fact": "signup_on", "op": "lt", "value": date(2021 + at % 4, 6, 1).isoformat()},
        ][at // 2 % 2],
    ]


def _absent(is_negative: bool) -> dict[str, str]:
    return {"if_missing": "no_match"} if is_negative else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    conditions, table, connection = decision_table(), FactTable(shipped_catalogue(), MADE), open_engine()
    _make(connection, table, given.rows)
    step = max(1, given.rows // SAMPLE)
    sample = _sample(connection, table, step)
    bulk, durable, verified = [], [], []
    for _ in range(given.runs):  # in turn, so that whatever else the machine does disturbs all of them
        bulk.append(_decide_in_bulk(connection, conditions, table))
        found = _verdicts_of(connection, conditions, step)
        online = DurableMatcher()
        durable.append(_decide_online(online, conditions, sample, found))
        verified.append(_decide_online(VerifyingMatcher(online, ReferenceMatcher()), conditions, sample, found))
        online.close()
    share = sum(map(len, found)) / len(found) / len(conditions.rules)
    _print(given.rows, f"{len(conditions.rules)} × 5, {share:.1%} true", bulk, durable, verified)


def _print(rows: int, rules: str, bulk: list[Taken], durable: list[Taken], verified: list[Taken]) -> None:
    wall, cpu = (statistics.median(values) for values in zip(*bulk, strict=True))
    alone, checked = (statistics.median(1 / wall for wall, _ in each) for each in (durable, verified))
    alone_cpu = statistics.median(1 / taken[1] for taken in durable)
    print("| rows | rules × tests | bulk, median s | all runs, s | rows per s | rows per s of CPU |")
    print("|---|---|---|---|---|---|")
    spread = f"{min(bulk)[0]:.2f} to {max(bulk)[0]:.2f}"
    print(f"| {rows:,} | {rules} | {wall:.2f} | {spread} | {rows / wall:,.0f} | {rows / cpu:,.0f} |")
    print()
    print("| against durable | decisions per s | bulk is faster by | by time of CPU |")
    print("|---|---|---|---|")
    print(f"| verify: off | {alone:,.0f} | {rows / wall / alone:,.0f} | {rows / cpu / alone_cpu:,.0f} |")
    checked_cpu = statistics.median(1 / taken[1] for taken in verified)
    print(f"| verify: always | {checked:,.0f} | {rows / wall / checked:,.0f} | {rows / cpu / checked_cpu:,.0f} |")


def _make(connection: duckdb.DuckDBPyConnection, table: FactTable, rows: int) -> None:
    """Make the rows, compressed as DuckDB keeps them in a file."""
    made = ", ".join(f"{MADE[name]} AS {column.name}" for name, column in table.columns.items())
    source = f"SELECT i, (hash(i) // 4)::BIGINT AS h FROM range({rows}) AS made(i)"
    connection.execute("ATTACH ':memory:' AS stored (COMPRESS)")
    connection.execute("USE stored")
    connection.execute(f"CREATE TABLE facts AS SELECT i AS {ROW}, {made} FROM ({source})")
    connection.execute("CHECKPOINT stored")


def _decide_in_bulk(connection: duckdb.DuckDBPyConnection, conditions: RuleConditions, table: FactTable) -> Taken:
    connection.execute("DROP TABLE IF EXISTS decided")
    wall, cpu = time.perf_counter(), time.process_time()
    query = verdicts(conditions, table, exp.to_table("facts")).sql(DIALECT)
    connection.execute(f"CREATE TABLE decided AS {query}")
    return time.perf_counter() - wall, time.process_time() - cpu


def _decide_online(
    matcher: Matcher, conditions: RuleConditions, sample: list[Facts], found: list[frozenset[str]]
) -> Taken:
    """Return the seconds that one set of facts takes; the rules are compiled before."""
    matcher.matched(conditions, sample[0])
    wall, cpu = time.perf_counter(), time.process_time()
    answers = [matcher.matched(conditions, facts) for facts in sample]
    taken = (time.perf_counter() - wall) / len(sample), (time.process_time() - cpu) / len(sample)
    if answers != found:
        sys.exit("durable, or the reference that verifies it, and bulk do not agree")
    return taken


def _sample(connection: duckdb.DuckDBPyConnection, table: FactTable, step: int) -> list[Facts]:
    names = ", ".join(column.name for column in table.columns.values())
    rows = connection.execute(f"SELECT {names} FROM facts WHERE {ROW} % {step} = 0 ORDER BY {ROW}").fetchall()
    kinds = [(name, DECODED.get(column.scalar, lambda value: value)) for name, column in table.columns.items()]
    return [
        {name: decode(value) for (name, decode), value in zip(kinds, row, strict=True) if value is not None}
        for row in rows
    ]


def _verdicts_of(connection: duckdb.DuckDBPyConnection, conditions: RuleConditions, step: int) -> list[frozenset[str]]:
    rows = connection.execute(f"SELECT * FROM decided WHERE {ROW} % {step} = 0 ORDER BY {ROW}").fetchall()
    return [true_of(conditions, masks) for _, *masks in rows]


if __name__ == "__main__":
    main()
