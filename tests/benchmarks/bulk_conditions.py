"""Bulk conditions against durable: the decision table of 20 rows with 5 tests each, on five million rows.

    python -m tests.benchmarks.bulk_conditions [--rows N] [--quick] [--write]

The rows are made inside DuckDB, once with every fact, as in the other benchmarks, and once with a tenth of what is optional
left out; how long that takes is not counted. Bulk decides all of them with all cores and stores every verdict. durable decides a sample of the same rows, one after the other on one
core and each already typed. The run fails where durable, the reference or bulk says something else of the sample.
`--write` puts the table into app/docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb
from sqlglot import exp

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_engine import DIALECT, open_engine
from app.bulk.fact_table import ROW, FactTable
from app.bulk.statement import true_of, verdicts
from app.engine.matcher import Facts, RuleConditions
from tests.benchmarks.candidates import ALWAYS, OFF, REFERENCE, conditions, matchers
from tests.benchmarks.decision_table import COUNTRIES, DAYS, DEVICES, FIRST_DAY, table
from tests.benchmarks.measuring import markdown, publish, where_and_when

COMMAND = "python -m tests.benchmarks.bulk_conditions"
BULK = "bulk, all cores"
SAMPLE = 20_000
# Each fact of the decision table as a function of the row's hash.
MADE: Mapping[str, str] = {
    "country": f"{list(COUNTRIES)}[1 + h // 16 % {len(COUNTRIES)}]",
    "device_type": f"{list(DEVICES)}[1 + h // 256 % {len(DEVICES)}]",
    "order_value": "(h // 4096 % 2000 * 250000)::BIGINT",
    "is_new_customer": "h // 16777216 % 2 = 0",
    "quantity": "(1 + h // 33554432 % 5)::BIGINT",
    "signup_on": f"DATE '{FIRST_DAY}' + (h // 268435456 % {DAYS})::INTEGER",
}

Taken = tuple[float, float]
"""Seconds that one decision takes: by the clock, and of CPU."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=COMMAND)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--quick", action="store_true", help="few rows, once: that it runs, not how fast")
    parser.add_argument("--write", action="store_true", help="put the table into app/docs/benchmarks.md")
    given = parser.parse_args(arguments)
    rows, rounds = (20_000, 1) if given.quick else (given.rows, 7)
    text = f"`{COMMAND}`, {where_and_when('duckdb', 'sqlglot', 'durable-rules')}. Medians of {rounds} rounds of "
    text += f"{rows:,} rows for bulk, {min(rows, SAMPLE):,} for durable."
    publish(
        "bulk", "\n\n".join([text, *(_measured(rows, rounds, absent) for absent in (False, True))]), write=given.write
    )


def _measured(rows: int, rounds: int, with_absent: bool) -> str:
    rules, known, connection = conditions(table(20)), FactTable(shipped_catalogue(), MADE), open_engine()
    _make(connection, known, rows, with_absent)
    taken, share = _rounds(connection, rules, known, rows, rounds)
    connection.close()
    facts = "a tenth of the optional facts is absent" if with_absent else "every fact is there"
    head = ("20 rows", "µs of CPU per decision", "decisions per s", "bulk is faster by", "by time of CPU")
    return f"Where {facts}, {share:.1%} of the verdicts are true:\n\n" + markdown(
        head, [_line(name, taken) for name in taken]
    )


def _rounds(
    connection: duckdb.DuckDBPyConnection, rules: RuleConditions, known: FactTable, rows: int, rounds: int
) -> tuple[dict[str, list[Taken]], float]:
    step = max(1, rows // SAMPLE)
    sample, engines = _sample(connection, known, step), matchers()
    reference = [engines[REFERENCE].matched(rules, facts) for facts in sample]
    taken: dict[str, list[Taken]] = {BULK: [], OFF: [], ALWAYS: []}
    for _ in range(rounds):  # in turn, so that whatever else the machine does disturbs all of them
        taken[BULK].append(_timed(lambda: _decide(connection, rules, known), rows)[0])
        assert _verdicts(connection, rules, step) == reference, "bulk and the reference do not agree"
        for name in (OFF, ALWAYS):
            engines[name].matched(rules, sample[0])  # compiles
            seconds, found = _timed(
                lambda name=name: [engines[name].matched(rules, each) for each in sample], len(sample)
            )  # type: ignore[misc]
            assert found == reference, f"{name} and the reference do not agree"
            taken[name].append(seconds)
    return taken, sum(map(len, reference)) / len(reference) / len(rules.rules)


def _timed(run: Callable[[], Any], decisions: int) -> tuple[Taken, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    return ((time.perf_counter() - wall) / decisions, (time.process_time() - cpu) / decisions), found


def _line(name: str, taken: Mapping[str, Sequence[Taken]]) -> tuple[str, ...]:
    wall, cpu = (statistics.median(times) for times in zip(*taken[name], strict=True))
    by_wall, by_cpu = (
        statistics.median(each[at] / bulk[at] for each, bulk in zip(taken[name], taken[BULK], strict=True))
        for at in (0, 1)
    )
    return name, f"{cpu * 1e6:.3g}", f"{1 / wall:,.0f}", f"{by_wall:.0f}", f"{by_cpu:.0f}"


def _make(connection: duckdb.DuckDBPyConnection, known: FactTable, rows: int, with_absent: bool) -> None:
    """Make the rows, compressed as DuckDB keeps them in a file."""
    made = ", ".join(f"{_made(name, at, with_absent)} AS {known.columns[name].name}" for at, name in enumerate(MADE))
    source = f"SELECT i, (hash(i) // 4)::BIGINT AS h, hash(i, 1) AS o FROM range({rows}) AS made(i)"
    connection.execute("ATTACH ':memory:' AS stored (COMPRESS)")
    connection.execute("USE stored")
    connection.execute(f"CREATE TABLE facts AS SELECT i AS {ROW}, {made} FROM ({source})")
    connection.execute("CHECKPOINT stored")


def _made(name: str, at: int, with_absent: bool) -> str:
    is_optional = with_absent and name != "order_value"
    return f"CASE WHEN o // {100**at} % 10 > 0 THEN {MADE[name]} END" if is_optional else MADE[name]


def _decide(connection: duckdb.DuckDBPyConnection, rules: RuleConditions, known: FactTable) -> None:
    query = verdicts(rules, known, exp.to_table("facts")).sql(DIALECT)
    connection.execute(f"CREATE OR REPLACE TABLE decided AS {query}")


def _sample(connection: duckdb.DuckDBPyConnection, known: FactTable, step: int) -> list[Facts]:
    columns = ", ".join(known.columns[name].name for name in MADE)
    rows = connection.execute(f"SELECT {columns} FROM facts WHERE {ROW} % {step} = 0 ORDER BY {ROW}").fetchall()
    return [
        {name: _typed(name, value) for name, value in zip(MADE, row, strict=True) if value is not None} for row in rows
    ]


def _typed(name: str, value: Any) -> Any:
    return Decimal(value).scaleb(-6) if name == "order_value" else value


def _verdicts(connection: duckdb.DuckDBPyConnection, rules: RuleConditions, step: int) -> list[frozenset[str]]:
    rows = connection.execute(f"SELECT * FROM decided WHERE {ROW} % {step} = 0 ORDER BY {ROW}").fetchall()
    return [true_of(rules, masks) for _, *masks in rows]


if __name__ == "__main__":
    main()
