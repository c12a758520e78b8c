"""The normal form: negations end at the tests, and every test says what it answers for an absent fact."""

from __future__ import annotations

from typing import Any

import pytest

from app.rulelang.ast import Leaf
from app.rulelang.compiler import FALSE, TRUE, Check, Every, Normal, Some, every, normal_form, predicate, some
from tests.builders.conditions import condition


def normal(short: Any) -> Normal:
    return normal_form(condition(short))


@pytest.mark.parametrize(
    ("op", "opposite"),
    [("eq", "neq"), ("neq", "eq"), ("lt", "gte"), ("gte", "lt"), ("lte", "gt"), ("gt", "lte")],
)
def test_a_negation_is_the_opposite_operator_and_the_opposite_answer(op: str, opposite: str) -> None:
    leaf = ["quantity", op, 5]
    assert normal(leaf) == Check("quantity", op, (5,), if_absent=False)
    assert normal({"not": leaf}) == Check("quantity", opposite, (5,), if_absent=True)
    assert normal({"not": [*leaf, "match"]}) == Check("quantity", opposite, (5,), if_absent=False)
    assert normal({"not": {"not": leaf}}) == normal(leaf)


def test_lists_are_negated_as_a_whole() -> None:
    assert normal({"not": ["hour", "in", [1, 2, 1]]}) == Check("hour", "not_in", (1, 2), if_absent=True)


def test_between_is_its_two_ends() -> None:
    low, high = Check("hour", "gte", (1,), if_absent=False), Check("hour", "lte", (3,), if_absent=False)
    assert normal(["hour", "between", [1, 3]]) == Every((low, high))
    below, above = Check("hour", "lt", (1,), if_absent=True), Check("hour", "gt", (3,), if_absent=True)
    assert normal({"not": ["hour", "between", [1, 3]]}) == Some((below, above))


def test_an_operator_without_an_opposite_is_kept_and_marked() -> None:
    kept = Check("sku", "contains", ("CD",), if_absent=True, negated=True)
    assert normal({"not": ["sku", "contains", "CD", "no_match"]}) == kept
    assert predicate(kept)({"sku": "LP"})
    assert predicate(kept)({})
    assert not predicate(kept)({"sku": "a CD"})


def test_exists_and_missing_are_each_other_negated() -> None:
    exists, missing = Check("hour", "exists", (), if_absent=False), Check("hour", "missing", (), if_absent=True)
    assert normal(["hour", "exists"]) == normal({"not": ["hour", "missing"]}) == exists
    assert normal(["hour", "missing"]) == normal({"not": ["hour", "exists"]}) == missing


def test_exists_that_matches_an_absent_fact_is_always_true() -> None:
    assert normal_form(Leaf("hour", "exists", (), "match")) == TRUE
    assert normal_form(Leaf("hour", "exists", (), "match"), negated=True) == FALSE


def test_groups_change_places_under_a_negation() -> None:
    one, two = normal({"not": ["hour", "eq", 1]}), normal({"not": ["month", "eq", 2]})
    assert normal({"not": {"all": [["hour", "eq", 1], ["month", "eq", 2]]}}) == Some((one, two))
    assert normal({"not": {"any": [["hour", "eq", 1], ["month", "eq", 2]]}}) == Every((one, two))


def test_groups_are_flat_and_without_repetition() -> None:
    one, two = normal(["hour", "eq", 1]), normal(["month", "eq", 2])
    nested = {"all": [["hour", "eq", 1], {"all": [["month", "eq", 2], {"any": [["hour", "eq", 1]]}]}]}
    assert normal(nested) == Every((one, two))


def test_constants_stand_alone() -> None:
    one = normal(["hour", "eq", 1])
    assert normal({"always": True}) == TRUE
    assert normal({"not": {"always": True}}) == FALSE
    assert every([one, TRUE]) == one == some([one, FALSE])
    assert every([one, FALSE]) == FALSE
    assert some([one, TRUE]) == TRUE
    assert every([]) == TRUE
    assert some([]) == FALSE


def test_a_list_of_ten_thousand_is_looked_up() -> None:
    leaf = Leaf("sku", "in", tuple(f"S{n}" for n in range(10_000)))
    is_true = predicate(normal_form(leaf))
    assert is_true({"sku": "S9999"})
    assert not is_true({"sku": "S10000"})
    assert not is_true({})
    assert predicate(normal_form(leaf, negated=True))({})
