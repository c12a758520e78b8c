"""What each operator says of a value, on both sides of its boundary, and of an absent fact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.rulelang.operators import OPERATORS, holds

D = Decimal


@pytest.mark.parametrize(
    ("op", "expected", "true", "false"),
    [
        ("eq", [5], [5, D("5.00")], [4, 6]),
        ("neq", [5], [4, 6], [5, D("5.00")]),
        ("lt", [D("5.00")], [D("4.999999")], [D(5), D("5.000001")]),
        ("lte", [D("5.00")], [D("4.999999"), D(5)], [D("5.000001")]),
        ("gt", [D("5.00")], [D("5.000001")], [D(5), D("4.999999")]),
        ("gte", [D("5.00")], [D(5), D("5.000001")], [D("4.999999")]),
        ("between", [1, 3], [1, 2, 3], [0, 4]),
        ("in", ["US", "CA"], ["US", "CA"], ["us", "", "U", "USCA"]),
        ("not_in", ["US", "CA"], ["us", ""], ["US", "CA"]),
        ("starts_with", ["US-"], ["US-", "US-NY"], ["US", "us-NY", " US-NY", "CA-US-", ""]),
        ("starts_with", ["é"], ["été"], ["e\u0301te\u0301", "e", ""]),
        ("contains", ["b"], ["b", "abc"], ["B", "", "ac"]),
        ("contains", ["🎁"], ["a🎁b"], ["\ud83c", ""]),
        ("contains", ["a"], [("a",), ("b", "a")], [(), ("ab",), ("A",), ("b", "")]),
        ("contains_any", ["a", "b"], [("a",), ("c", "b")], [(), ("ab",), ("c",)]),
        ("contains_all", ["a", "b"], [("b", "a"), ("a", "b", "b", "c")], [(), ("a",), ("a", "a"), ("ab",)]),
        ("is_empty", [], [()], [("",), ("a",)]),
        ("exists", [], ["", (), 0, False], []),
        ("missing", [], [], ["", (), 0, False]),
    ],
)
def test_boundaries(op: str, expected: list[Any], true: list[Any], false: list[Any]) -> None:
    for actual in true:
        assert holds(op, actual, expected, matches_missing=False) is True
        assert holds(op, actual, expected, matches_missing=True) is True
    for actual in false:
        assert holds(op, actual, expected, matches_missing=False) is False
        assert holds(op, actual, expected, matches_missing=True) is False


@pytest.mark.parametrize("op", OPERATORS)
def test_an_absent_fact_is_answered_by_the_rule_and_never_by_the_operator(op: str) -> None:
    assert holds(op, None, [1, 2], matches_missing=True) is True
    assert holds(op, None, [1, 2], matches_missing=False) is False
