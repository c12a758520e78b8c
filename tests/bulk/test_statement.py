"""What a statement looks like in DuckDB, and what Spark would be sent instead."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from app.bulk.fact_table import FactTable
from app.bulk.statement import true_of, verdicts
from app.rulelang.ast import facts_of
from tests.builders.conditions import catalogue, condition, one_rule, rules


def written(short: Any, dialect: str) -> str:
    """Return the condition of one rule as it stands in its statement."""
    when = condition(short)
    query = verdicts(one_rule(when), FactTable(catalogue(), facts_of(when)), exp.to_table("facts")).sql(dialect)
    before, after = "SELECT row_number, CAST((CASE WHEN ", " THEN 1 ELSE 0 END) AS BIGINT) AS true_0 FROM facts"
    assert query.startswith(before)
    assert query.endswith(after)
    return query[len(before) : -len(after)]


@pytest.mark.parametrize(
    ("short", "sql"),
    [
        (["order_value", "gte", "77.10"], "((f0_order_value >= 77100000) AND NOT f0_order_value IS NULL)"),
        (["quantity", "lt", 3, "match"], "(f0_quantity IS NULL OR (f0_quantity < 3))"),
        (["coupon_code", "missing"], "f0_coupon_code IS NULL"),
        (
            ["tax", "gt", {"fact": "shipping"}],
            "((f1_tax > f0_shipping) AND NOT f1_tax IS NULL AND NOT f0_shipping IS NULL)",
        ),
        (
            {"not": ["sku", "starts_with", "CD", "no_match"]},
            "(f0_sku IS NULL OR NOT (STARTS_WITH(f0_sku, 'CD')))",
        ),
        (
            {"any_item": "items", "where": ["quantity", "gt", 1]},
            "((ARRAY_LENGTH(LIST_FILTER(f0_items, LAMBDA item : "
            "((item.f3_quantity > 1) AND NOT item.f3_quantity IS NULL))) > 0) AND NOT f0_items IS NULL)",
        ),
    ],
)
def test_a_condition_is_written(short: Any, sql: str) -> None:
    assert written(short, "duckdb") == sql


def test_spark_is_written_from_the_same_tree() -> None:
    short = {"any_item": "items", "where": ["sku", "starts_with", "it's \\"]}
    assert written(short, "spark") == (
        "((SIZE(FILTER(f0_items, item -> "
        "((STARTSWITH(item.f0_sku, 'it\\'s \\\\')) AND NOT item.f0_sku IS NULL))) > 0) AND NOT f0_items IS NULL)"
    )
    assert sqlglot.parse_one(f"SELECT {written(short, 'spark')}", dialect="spark") is not None


def test_every_condition_is_two_valued_where_nothing_is_known() -> None:
    by_id = {
        "text": condition(["country", "eq", "US"]),
        "two facts": condition(["tax", "gt", {"fact": "shipping"}]),
        "list": condition({"not": ["coupon_codes", "contains_any", ["A"], "match"]}),
        "items": condition({"no_item": "items", "where": ["sku", "eq", "a", "no_match"], "if_missing": "no_match"}),
    }
    for name, when in by_id.items():
        table = FactTable(catalogue(), facts_of(when))
        (column,) = verdicts(rules({name: when}), table, exp.to_table("facts")).find_all(exp.If)
        columns = ", ".join(f"NULL::{_sql_type(each.structure)} AS {each.name}" for each in table.columns.values())
        query = f"SELECT {column.this.sql('duckdb')} FROM (SELECT {columns})"
        assert duckdb.connect().execute(query).fetchall() == [(False,)], name


def _sql_type(structure: Any) -> str:
    if isinstance(structure, list):
        return _sql_type(structure[0]) + "[]"
    if isinstance(structure, dict):
        return f"STRUCT({', '.join(f'{name} {_sql_type(each)}' for name, each in structure.items())})"
    return str(structure)


def test_bits_are_rules_in_their_order() -> None:
    conditions = rules({f"r{n}": condition({"always": True}) for n in range(64)})
    assert true_of(conditions, [0b101, 0b10]) == {"r0", "r2", "r63"}
    assert true_of(conditions, [0, 0]) == frozenset()
