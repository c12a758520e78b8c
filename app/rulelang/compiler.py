"""Conditions in a form that any engine can run: no `not`, no third truth value. What an engine can hold is not known here.

In the normal form every check has an answer for a fact that is there, by its operator, and for one that is not, by
`if_absent`. So an engine that knows NULL (SQL) or has no idea of absence (durable) comes to the same two values.
`between` is its two ends, and a negation is the opposite operator with the opposite answer for an absent fact; an
operator without an opposite (`contains`) is kept, with a mark that it is negated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not, Scalar, Value
from app.rulelang.operators import OPERATORS, OPPOSITE


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison by any operator but `between`. `negated` turns the answer for a fact that is there round, for those
    operators that have no opposite; `if_absent` is the answer for one that is not, whether negated or not. With
    `other_fact` a fact is compared with that one, and `if_absent` is the answer when either is not there."""

    fact: str
    op: str
    expected: tuple[Scalar, ...]
    if_absent: bool
    negated: bool = False
    other_fact: str | None = None


@dataclass(frozen=True, slots=True)
class Every:
    """True if all parts are; without parts it is true."""

    parts: tuple[Normal, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """True if one part is; without parts it is false."""

    parts: tuple[Normal, ...]


@dataclass(frozen=True, slots=True)
class HasItem:
    """True if one item of a list of records meets `where`, which reads its fields. `negated` turns the answer round for
    a list that is there, an empty one included; `if_absent` is the answer for one that is not, whether negated or not."""

    fact: str
    where: Normal
    if_absent: bool
    negated: bool = False


Normal: TypeAlias = Check | HasItem | Every | Some

TRUE = Every(())
FALSE = Some(())


def normal_form(condition: Condition, *, negated: bool = False) -> Normal:
    """Return a condition, or its negation, in normal form. Groups are flat, and constants stand alone."""
    match condition:
        case Leaf(op="between"):
            return normal_form(_both_ends(condition), negated=negated)
        case Leaf():
            return _check_of(condition, negated)
        case Items():
            return _has_item(condition, negated)
        case Always():
            return FALSE if negated else TRUE
        case Not(part):
            return normal_form(part, negated=not negated)
        case AllOf(parts) | AnyOf(parts):
            inner = [normal_form(part, negated=negated) for part in parts]
            return every(inner) if isinstance(condition, AllOf) is not negated else some(inner)


def every(parts: Iterable[Normal]) -> Normal:
    """Return the conjunction, flat and without repetition."""
    kept: dict[Normal, None] = {}
    for part in parts:
        if part == FALSE:
            return FALSE
        kept.update(dict.fromkeys(part.parts if isinstance(part, Every) else (part,)))
    return next(iter(kept)) if len(kept) == 1 else Every(tuple(kept))


def some(parts: Iterable[Normal]) -> Normal:
    """Return the disjunction, flat and without repetition."""
    kept: dict[Normal, None] = {}
    for part in parts:
        if part == TRUE:
            return TRUE
        kept.update(dict.fromkeys(part.parts if isinstance(part, Some) else (part,)))
    return next(iter(kept)) if len(kept) == 1 else Some(tuple(kept))


def predicate(normal: Normal) -> Callable[[Mapping[str, Value]], bool]:
    """Return a function that evaluates a normal form. A list of thousands is looked up, not walked through."""
    match normal:
        case Check():
            return _check_predicate(normal)
        case HasItem():
            return _item_predicate(normal)
        case Every(parts):
            checks = [predicate(part) for part in parts]
            return lambda facts: all(check(facts) for check in checks)
        case Some(parts):
            checks = [predicate(part) for part in parts]
            return lambda facts: any(check(facts) for check in checks)


def _check_predicate(check: Check) -> Callable[[Mapping[str, Value]], bool]:
    if check.other_fact is not None:
        return _between_facts(check, check.other_fact)
    holds, fact, if_absent, negated = OPERATORS[check.op].holds, check.fact, check.if_absent, check.negated
    expected = frozenset(check.expected) if check.op in _BY_MEMBERSHIP else check.expected

    def is_true(facts: Mapping[str, Value]) -> bool:
        actual = facts.get(fact)
        return if_absent if actual is None else holds(actual, expected) is not negated  # type: ignore[arg-type]

    return is_true


def _between_facts(check: Check, other_fact: str) -> Callable[[Mapping[str, Value]], bool]:
    holds, fact, if_absent = OPERATORS[check.op].holds, check.fact, check.if_absent

    def is_true(facts: Mapping[str, Value]) -> bool:
        actual, other = facts.get(fact), facts.get(other_fact)
        return if_absent if actual is None or other is None else holds(actual, (other,))

    return is_true


def _item_predicate(has: HasItem) -> Callable[[Mapping[str, Value]], bool]:
    meets, fact, if_absent, negated = predicate(has.where), has.fact, has.if_absent, has.negated

    def is_true(facts: Mapping[str, Value]) -> bool:
        items: Any = facts.get(fact)
        return if_absent if items is None else any(meets(item) for item in items) is not negated

    return is_true


_BY_MEMBERSHIP = ("in", "not_in", "contains_any", "contains_all")


def _both_ends(leaf: Leaf) -> Condition:
    low, high = leaf.expected
    return AllOf((Leaf(leaf.fact, "gte", (low,), leaf.if_missing), Leaf(leaf.fact, "lte", (high,), leaf.if_missing)))


def _has_item(items: Items, negated: bool) -> Normal:
    """Every item meets it if none fails it; no item meets it if not one does."""
    is_turned = negated is (items.quantifier == "any_item")
    where = normal_form(items.where, negated=items.quantifier == "every_item")
    return HasItem(items.fact, where, items.matches_missing is not negated, is_turned)


def _check_of(leaf: Leaf, negated: bool) -> Normal:
    op = OPPOSITE.get(leaf.op, leaf.op) if negated else leaf.op
    is_turned = negated and leaf.op not in OPPOSITE
    if_absent = leaf.matches_missing is not negated
    if op == "exists" and if_absent:
        return TRUE
    if op == "missing" and not if_absent:
        return FALSE
    return Check(leaf.fact, op, tuple(dict.fromkeys(leaf.expected)), if_absent, is_turned, leaf.other_fact)
