"""The reference engine: what a condition means, slowly and obviously, and the trace that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_never

from app.engine.matcher import Facts, RuleConditions
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not, Record, Value
from app.rulelang.operators import OPERATORS, holds


class ReferenceMatcher:
    """The engine that defines the meaning; every other one is compared with it."""

    def matched(self, conditions: RuleConditions, facts: Facts) -> frozenset[str]:
        """Return the ids of the rules that are true."""
        return frozenset([rule_id for rule_id, when in conditions.rules if is_true(when, facts)])


def is_true(condition: Condition, facts: Facts) -> bool:
    """Tell whether a condition is true for the facts. Every condition has an answer for every set of facts."""
    # It checks every online decision; written with `match`, `all` and `any` it takes four times as long.
    if isinstance(condition, Leaf):
        actual = facts.get(condition.fact)
        if condition.other_fact is not None:
            return _compares(condition, actual, facts.get(condition.other_fact))
        if actual is None:
            return condition.matches_missing
        return OPERATORS[condition.op].holds(actual, condition.expected)
    if isinstance(condition, AllOf):
        for part in condition.parts:  # noqa: SIM110
            if not is_true(part, facts):
                return False
        return True
    if isinstance(condition, AnyOf):
        for part in condition.parts:  # noqa: SIM110
            if is_true(part, facts):
                return True
        return False
    if isinstance(condition, Not):
        return not is_true(condition.part, facts)
    if isinstance(condition, Items):
        return _items_are(condition, facts)
    if isinstance(condition, Always):
        return True
    assert_never(condition)


def _compares(leaf: Leaf, actual: Value | None, other: Value | None) -> bool:
    """Tell whether two facts compare as a leaf says; where either is absent, the leaf says what that means."""
    if other is None:
        return leaf.matches_missing
    return holds(leaf.op, actual, (other,), matches_missing=leaf.matches_missing)


def _items_are(condition: Items, facts: Facts) -> bool:
    """Tell whether the items of a list are as the condition says; `where` reads nothing but the fields of one item."""
    if facts.get(condition.fact) is None:
        return condition.matches_missing
    meets = (is_true(condition.where, item) for item in items_of(facts, condition.fact))
    match condition.quantifier:
        case "any_item":
            return any(meets)
        case "every_item":
            return all(meets)
        case "no_item":
            return not any(meets)


def items_of(facts: Facts, name: str) -> tuple[Record, ...]:
    """Return the items of a list of records; none when it is absent."""
    items: Any = facts.get(name) or ()
    found: tuple[Record, ...] = items
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """One node of a trace: a condition, its verdict, and what it is made of; for items, `where` on each of them."""

    condition: Condition
    verdict: bool
    parts: tuple[Seen, ...] = ()


def traced(condition: Condition, facts: Facts) -> Seen:
    """Return a condition with the verdict of every part of it; nothing is cut short."""
    match condition:
        case AllOf(parts):
            seen = tuple(traced(part, facts) for part in parts)
            return Seen(condition, all(part.verdict for part in seen), seen)
        case AnyOf(parts):
            seen = tuple(traced(part, facts) for part in parts)
            return Seen(condition, any(part.verdict for part in seen), seen)
        case Not(part):
            inner = traced(part, facts)
            return Seen(condition, not inner.verdict, (inner,))
        case Items():
            each = tuple(traced(condition.where, item) for item in items_of(facts, condition.fact))
            return Seen(condition, is_true(condition, facts), each)
        case _:
            return Seen(condition, is_true(condition, facts))
