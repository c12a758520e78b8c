"""The bulk engine beside what the conformance cases say of it: many rows, long lists, names, and what it refuses."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import duckdb
import pytest

from app.bulk import duckdb_engine
from app.bulk.bulk_matcher import BulkMatcher
from app.bulk.duckdb_engine import load, open_engine
from app.bulk.fact_table import FactTable, column_name
from app.bulk.statement import MASK
from app.engine.matcher import EngineFault
from app.engine.reference import ReferenceMatcher
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not
from app.rulelang.facts import Catalogue, catalogue_from
from tests.builders.conditions import catalogue, condition, facts, one_rule, rules

MANY = tuple(f"C{n}" for n in range(10_000))


def agreed(by_id: Mapping[str, Condition], many: list[Any], known: Catalogue | None = None) -> list[frozenset[str]]:
    """Return what the engine says of many sets of facts, having compared it with the reference."""
    conditions, reference = rules(by_id), ReferenceMatcher()
    found = BulkMatcher(known or catalogue()).matched_each(conditions, many)
    assert found == [reference.matched(conditions, each) for each in many]
    return found


@pytest.mark.parametrize("few", [1, 5, 101, 10_000])
def test_lists_of_any_length_are_exact(few: int) -> None:
    members = MANY[:few]
    item = {"sku": "a", "quantity": 1}
    by_id = {
        "in": Leaf("coupon_code", "in", members),
        "not in": Leaf("coupon_code", "not_in", members, "match"),
        "in both ways": AnyOf((Leaf("coupon_code", "in", members), Not(Leaf("country", "in", members, "no_match")))),
        "has one": Leaf("coupon_codes", "contains_any", members),
        "has none": Not(Leaf("coupon_codes", "contains_any", members, "match")),
        "has all": Leaf("coupon_codes", "contains_all", members),
        "an item": Items("any_item", "items", Leaf("sku", "in", members)),
        "each item": Items("every_item", "items", AnyOf((Leaf("sku", "in", members), Leaf("brand", "missing", ())))),
    }
    values = ("C0", members[-1], f"C{few}", "c0", "")
    many: list[Any] = [{}, {"coupon_codes": (), "items": ()}, {"coupon_codes": (*members[:1000], "x")}]
    many += [{"coupon_code": value, "country": value} for value in values]
    many += [{"coupon_codes": ("y", value, value)} for value in values]
    many += [{"items": ({**item, "sku": value}, {**item, "brand": "b"})} for value in values]
    found = agreed(by_id, many)
    assert "in" in found[3]
    assert "in" not in found[5]
    assert ("has all" in found[2]) is (few <= 1000)


def test_ten_thousand_members_are_looked_up_quickly() -> None:
    by_id = {"in": Leaf("coupon_code", "in", MANY), "an item": Items("any_item", "items", Leaf("sku", "in", MANY))}
    many: list[Any] = [{"coupon_code": f"C{n}", "items": ({"sku": f"C{n + 5000}"},)} for n in range(0, 20_000, 2)]
    started = time.process_time()
    found = BulkMatcher(catalogue()).matched_each(rules(by_id), many)
    assert time.process_time() - started < 5  # one by one it takes minutes: a hundred million comparisons, twice
    assert [sum(rule in each for each in found) for rule in by_id] == [5000, 2500]


def test_more_rules_than_a_column_has_bits() -> None:
    by_id: dict[str, Condition] = {f"r{n}": Leaf("quantity", "gte", (n,)) for n in range(2 * MASK + 1)}
    found = agreed(by_id, [{"quantity": n} for n in (-1, 0, MASK - 1, MASK, 2 * MASK, 500)])
    assert [len(each) for each in found] == [0, 1, MASK, MASK + 1, 2 * MASK + 1, 2 * MASK + 1]


def test_constant_rules_need_no_facts() -> None:
    assert agreed({"yes": Always(), "no": Not(Always())}, [{}, {}]) == [frozenset({"yes"})] * 2
    assert BulkMatcher(catalogue()).matched_each(one_rule(Always()), []) == []


def test_names_that_sql_takes_for_one_are_two_facts() -> None:
    names = ("plan", "Plan", "PLAN", "select", 'a"b', "a'b", "é", "e\u0301", "", "row_number", "true_0", "facts")
    known = catalogue_from({name: {"type": "text", "meaning": "a name"} for name in names})
    each_itself: Condition = AllOf(tuple(Leaf(name, "eq", (f"{at}",)) for at, name in enumerate(names)))
    right = {name: f"{at}" for at, name in enumerate(names)}
    found = agreed({"r": each_itself}, [right, *({**right, name: "x"} for name in names)], known)
    assert found == [frozenset("r"), *([frozenset()] * len(names))]


def test_a_fact_of_another_type_than_the_catalogue_says_is_a_fault() -> None:
    matcher = BulkMatcher(catalogue())
    for name, value in (("quantity", "5"), ("quantity", True), ("coupon_codes", "SAVE"), ("items", ({"price": 1},))):
        with pytest.raises(EngineFault):
            matcher.matched(one_rule(Leaf(name, "exists", ())), {name: value})  # type: ignore[dict-item]


def test_a_fact_that_the_catalogue_does_not_have_is_a_fault() -> None:
    with pytest.raises(EngineFault, match="no fact 'nobody'"):
        BulkMatcher(catalogue()).matched(one_rule(Leaf("nobody", "exists", ())), {})


def test_a_surrogate_is_a_fault_and_no_other_character() -> None:
    with pytest.raises(EngineFault):
        BulkMatcher(catalogue()).matched(one_rule(condition(["coupon_code", "exists"])), {"coupon_code": "\ud800"})


def test_a_hundred_thousand_rows_load_in_seconds_and_in_order() -> None:
    connection, table = open_engine(), FactTable(catalogue(), ["order_value", "country", "coupon_codes", "items"])
    given = facts(
        {"order_value": "77.10", "coupon_codes": ["A", ""], "items": [{"sku": "a", "quantity": 1, "price": "1"}]}
    )
    started = time.process_time()
    assert load(connection, "facts", table, (given for _ in range(100_000))) == 100_000
    assert time.process_time() - started < 20  # about 2; row by row it takes minutes
    names = {name: column.name for name, column in table.columns.items()}
    query = f"SELECT count(*), count(DISTINCT row_number), min(row_number), max(row_number), any_value({names['order_value']}), any_value({names['coupon_codes']}), count({names['country']}) FROM facts"
    assert connection.execute(query).fetchall() == [(100_000, 100_000, 0, 99_999, 77_100_000, ["A", ""], 0)]


@pytest.mark.parametrize(
    "row",
    [
        '{"row_number": 0}',
        '{"row_number": 0, "f0_quantity": 9223372036854775808}',
        '{"row_number": 0, "f0_quantity": "x"}',
    ],
)
def test_a_row_that_does_not_fit_is_refused_and_not_made_null(row: str) -> None:
    with pytest.raises(duckdb.InvalidInputException):
        open_engine().execute(duckdb_engine._rows(FactTable(catalogue(), ["quantity"])), [f"[{row}]"])


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '/tmp/termline-leak.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SET lock_configuration = false",
        "INSTALL httpfs",
    ],
)
def test_the_engine_reaches_nothing_outside(statement: str) -> None:
    with pytest.raises(duckdb.Error):
        open_engine().execute(statement)


def test_columns_are_told_apart_by_number() -> None:
    assert column_name(0, "order_value") == "f0_order_value"
    assert column_name(1, "注文") == "f1"
    assert column_name(2, "x" * 200) == f"f2_{'x' * 40}"
