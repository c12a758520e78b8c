"""The operators: which types have them, what they say, and how they read. The only place that compares values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.rulelang.ast import Scalar

ORDERED = frozenset({"integer", "decimal", "date", "instant"})
EQUAL = ORDERED | {"text", "enum"}
EVERY = EQUAL | {"boolean"}
TEXT = frozenset({"text"})


@dataclass(frozen=True, slots=True)
class Operator:
    """How many values an operator wants (None: one or more in a list), the types that have it, and its words."""

    arity: int | None
    types: frozenset[str]
    holds: Callable[[Any, Sequence[Any]], bool]
    symbol: str
    words: str
    negative: bool = False


OPERATORS: dict[str, Operator] = {
    "eq": Operator(1, EVERY, lambda a, x: a == x[0], "=", "is"),
    "neq": Operator(1, EVERY, lambda a, x: a != x[0], "≠", "is not", negative=True),
    "lt": Operator(1, ORDERED, lambda a, x: a < x[0], "<", "is below"),
    "lte": Operator(1, ORDERED, lambda a, x: a <= x[0], "≤", "is at most"),
    "gt": Operator(1, ORDERED, lambda a, x: a > x[0], ">", "is above"),
    "gte": Operator(1, ORDERED, lambda a, x: a >= x[0], "≥", "is at least"),
    "between": Operator(2, ORDERED, lambda a, x: x[0] <= a <= x[1], "between", "is between"),
    "in": Operator(None, EQUAL, lambda a, x: a in x, "in", "is one of"),
    "not_in": Operator(None, EQUAL, lambda a, x: a not in x, "not in", "is none of", negative=True),
    # Text is compared by code point, as it is for `eq`: no folding of case, accents or width.
    "starts_with": Operator(1, TEXT, lambda a, x: a.startswith(x[0]), "starts with", "starts with"),
    "contains": Operator(1, TEXT, lambda a, x: x[0] in a, "contains", "contains"),
    "exists": Operator(0, EVERY, lambda a, x: True, "is there", "is there"),
    "missing": Operator(0, EVERY, lambda a, x: False, "is missing", "is missing"),
}

LATER = frozenset({"contains_any", "contains_all", "is_empty"})


def holds(op: str, actual: Scalar | None, expected: Sequence[Scalar], *, matches_missing: bool) -> bool:
    """Tell what a leaf says of a fact; None is an absent one. Values are of one type, the type check saw to it."""
    if actual is None:
        return matches_missing
    return OPERATORS[op].holds(actual, expected)
