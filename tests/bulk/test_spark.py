"""The same trees on Spark: every conformance case, what does not fit is a fault, and what is said when something is missing.

One session serves all of these tests, as it takes seconds to start. Without Java they are skipped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from app.bulk import conditions, spark_engine
from app.bulk.bulk_matcher import BulkMatcher
from app.bulk.fact_table import Structure
from app.bulk.spark_engine import SparkRunner, check_installed, has_java
from app.bulk.spark_matcher import SparkMatcher
from app.engine.matcher import EngineFault
from app.engine.reference import ReferenceMatcher
from app.rulelang.ast import Condition, Items, Leaf, Not
from tests.benchmarks.big_world import World, make
from tests.benchmarks.hand_written import bill, bill_on_spark, open_world
from tests.builders.conditions import catalogue, one_rule, rules
from tests.matchers.test_conformance import cases_that_fail_in_bulk

needs_java = pytest.mark.skipif(not has_java(), reason="Spark needs Java 17, and there is none on this machine")


@pytest.fixture(scope="module")
def matcher() -> Iterator[SparkMatcher]:
    found = SparkMatcher(catalogue())
    # Spark would compile 540 rules to Java for a minute, to decide 540 rows. What it does with few rules is below.
    for setting in (("spark.sql.codegen.wholeStage", "false"), ("spark.sql.codegen.factoryMode", "NO_CODEGEN")):
        found.runner.session.conf.set(*setting)
    yield found
    found.close()


@pytest.fixture(scope="module")
def runner() -> Iterator[SparkRunner]:
    found = SparkRunner()
    found.session.conf.set("spark.sql.shuffle.partitions", "2")
    yield found
    found.close()


@needs_java
def test_all_conformance_cases_in_one_statement(matcher: SparkMatcher) -> None:
    assert cases_that_fail_in_bulk(matcher) == []


@needs_java
def test_lists_that_duckdb_looks_up_in_rows_are_looked_up_in_lambdas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matcher = SparkMatcher(catalogue())
    monkeypatch.setattr(conditions, "LONG", 1)
    members = tuple(f"C{n}" for n in range(200))
    by_id: dict[str, Condition] = {
        "in": Leaf("coupon_code", "in", members),
        "has one": Leaf("coupon_codes", "contains_any", members),
        "has none": Not(Leaf("coupon_codes", "contains_any", members, "match")),
        "has all": Leaf("coupon_codes", "contains_all", members[:3]),
        "an item": Items("any_item", "items", Leaf("sku", "in", members)),
        "no item": Items("no_item", "items", Leaf("sku", "in", members), "match"),
    }
    many: list[Any] = [
        {
            "coupon_code": "C199",
            "coupon_codes": ("x", "C0", "C0"),
            "items": ({"sku": "C7", "quantity": 1}, {"sku": "x", "quantity": 1}),
        },
        {"coupon_code": "C200", "coupon_codes": ("C2", "C1", "C0", "C1"), "items": ({"sku": "C200", "quantity": 1},)},
        {"coupon_codes": (), "items": ()},
        {},
    ]
    reference = ReferenceMatcher()
    found = matcher.matched_each(rules(by_id), many)
    assert found == [reference.matched(rules(by_id), each) for each in many]
    assert found == BulkMatcher(catalogue()).matched_each(rules(by_id), many)
    assert found[0] == {"in", "has one", "an item"}


@needs_java
def test_a_surrogate_is_a_fault_and_no_other_character(matcher: SparkMatcher) -> None:
    with pytest.raises(EngineFault):
        matcher.matched(one_rule(Leaf("coupon_code", "exists", ())), {"coupon_code": "\ud800"})


@needs_java
@pytest.mark.parametrize("wrong", [2**63, "x", 1.5])
def test_a_row_that_does_not_fit_is_refused_and_not_made_null(runner: SparkRunner, wrong: object) -> None:
    with pytest.raises(EngineFault, match="Spark"):
        runner.load("wrong", {"n": "BIGINT"}, [{"n": wrong}])


@needs_java
def test_arithmetic_that_does_not_fit_is_a_fault(runner: SparkRunner) -> None:
    for sql in (
        "SELECT 9223372036854775807 + n FROM one",
        "SELECT CAST(n AS INT128) * 99999999999999999999999999999999999999 * 10 FROM one",
    ):
        runner.load("one", {"n": "BIGINT"}, [{"n": 1}])
        with pytest.raises(EngineFault, match="Spark"):
            runner.run(parsed(sql))


@needs_java
def test_wide_numbers_are_exact_or_a_fault(runner: SparkRunner) -> None:
    large = 2**62 - 1
    runner.load("wide", {"n": "BIGINT"}, [{"n": large}])
    square = "CAST(n AS INT128) * CAST(n AS INT128)"
    (found,) = runner.run(parsed(f"SELECT {square}, ({square}) // 700000, ({square}) % 7, n // 7 FROM wide"))
    assert tuple(map(int, found)) == (large**2, large**2 // 700_000, large**2 % 7, large // 7)
    runner.keep("squares", parsed(f"SELECT {square} AS n FROM wide"))
    # By itself Spark divides the lowest 64 bits of both of these, and says nothing.
    for beyond in ("SELECT n // 7 FROM squares", f"SELECT ({square}) // 7 FROM wide"):
        with pytest.raises(EngineFault, match=r"OUT_OF_RANGE|OVERFLOW"):
            runner.run(parsed(beyond))


@needs_java
def test_a_recursive_query_goes_on_beyond_a_hundred_rows(runner: SparkRunner) -> None:
    counted = (
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 AS n FROM t WHERE n < 105) SELECT MAX(n) FROM t"
    )
    assert runner.run(parsed(counted)) == [(105,)]


@needs_java
def test_a_table_is_kept_replaced_and_dropped(runner: SparkRunner) -> None:
    runner.load("numbers", {"n": "BIGINT"}, [{"n": n} for n in range(3)])
    runner.keep("numbers", parsed("SELECT n + 1 AS n FROM numbers"))
    assert sorted(runner.run(parsed("SELECT n FROM numbers"))) == [(1,), (2,), (3,)]
    runner.drop("numbers")
    with pytest.raises(EngineFault, match="numbers"):
        runner.run(parsed("SELECT n FROM numbers"))


@needs_java
def test_runners_do_not_see_each_others_tables(runner: SparkRunner) -> None:
    runner.load("mine", {"n": "BIGINT"}, [])
    other = SparkRunner()
    with pytest.raises(EngineFault, match="mine"):
        other.run(parsed("SELECT n FROM mine"))
    other.close()


@needs_java
def test_sql_written_by_hand_pays_the_same_lines(runner: SparkRunner, tmp_path: Path) -> None:
    make(tmp_path, World(conversions=3_000, contracts=8))
    with open_world(tmp_path) as connection:
        bill(connection)
        expected = connection.execute("SELECT id, contract, month, due, paid FROM lines").fetchall()
    bill_on_spark(runner, tmp_path)
    lines = runner.run(parsed("SELECT id, contract, month, due, paid FROM lines"))
    assert len(lines) > 500
    assert sorted(lines) == sorted(expected)


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineFault, match="install a JDK"):
        check_installed()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(EngineFault, match=r"termline\[spark\]"):
        check_installed()


def test_columns_are_declared() -> None:
    structure: dict[str, Structure] = {"n": "BIGINT", "on": "DATE", "words": ["VARCHAR"], "items": [{"sku": "VARCHAR"}]}
    assert (
        spark_engine.ddl_of(structure)
        == "`n` BIGINT, `on` DATE, `words` ARRAY<STRING>, `items` ARRAY<STRUCT<`sku`: STRING>>"
    )


def parsed(sql: str) -> exp.Query:
    found = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(found, exp.Query)
    return found
