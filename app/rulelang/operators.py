"""The operators: which types have them, what they say, and how they read. The only place that compares values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.rulelang.ast import Value

ORDERED = frozenset({"integer", "decimal", "date", "instant", "duration"})
EQUAL = ORDERED | {"text", "enum"}
EVERY = EQUAL | {"boolean"}
TEXT = frozenset({"text"})
LISTS = frozenset({"text_list", "enum_list"})
WITH_MEMBERS = LISTS | {"records"}
ANY = EVERY | WITH_MEMBERS


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
    # Of a text this is a part, of a list a member: "A" is in ["A", "B"], and not in ["AB"].
    "contains": Operator(1, TEXT | LISTS, lambda a, x: x[0] in a, "contains", "contains"),
    "contains_any": Operator(
        None, LISTS, lambda a, x: not frozenset(x).isdisjoint(a), "contains one of", "contains one of"
    ),
    "contains_all": Operator(None, LISTS, lambda a, x: frozenset(x) <= set(a), "contains all of", "contains all of"),
    "is_empty": Operator(0, WITH_MEMBERS, lambda a, x: not a, "is empty", "is empty"),
    "exists": Operator(0, ANY, lambda a, x: True, "is there", "is there"),
    "missing": Operator(0, ANY, lambda a, x: False, "is missing", "is missing"),
}

# What is said by the negation of an operator, of a fact that is there. Those that are not here have no opposite.
OPPOSITE = {"eq": "neq", "lt": "gte", "lte": "gt", "in": "not_in", "exists": "missing"}
OPPOSITE |= {opposite: op for op, opposite in OPPOSITE.items()}

# Those that may compare a fact with another fact of its type.
BETWEEN_FACTS = ("eq", "neq", "lt", "lte", "gt", "gte")


def holds(op: str, actual: Value | None, expected: Sequence[Value], *, matches_missing: bool) -> bool:
    """Tell what a leaf says of a fact; None is an absent one, and an empty list is there. Values are of the types that
    the operator wants, the type check saw to it."""
    if actual is None:
        return matches_missing
    return OPERATORS[op].holds(actual, expected)
