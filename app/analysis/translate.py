"""What a condition means, for the solver. Read it beside `app/engine/reference.py`: it has the same cases in the same order."""

from __future__ import annotations

from collections.abc import Iterable

import z3

from app.analysis.scalars import code_of
from app.analysis.texts import Part, Texts, is_one_of
from app.analysis.world import LIKE_ANYTHING, Members, One, Records, Scope, Symbol, World
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not, Scalar


def is_true(condition: Condition, facts: Scope, world: World) -> z3.BoolRef:
    """Return that a condition is true for the facts."""
    match condition:
        case Leaf():
            return _leaf_is_true(condition, facts, world)
        case AllOf(parts):
            return every((is_true(part, facts, world) for part in parts), world.ctx)
        case AnyOf(parts):
            return some((is_true(part, facts, world) for part in parts), world.ctx)
        case Not(part):
            return z3.Not(is_true(part, facts, world))
        case Items():
            return _items_are(condition, facts)
        case Always():
            return z3.BoolVal(True, world.ctx)


def claim_laws(facts: Scope, world: World) -> Iterable[z3.BoolRef]:
    """Yield that the item of each claim shows it. That no item does when a claim is false is `no_item_meets`."""
    for symbol in facts.values():
        if isinstance(symbol, Records):
            for claim in symbol.claims.values():
                yield z3.Implies(claim.holds, is_true(claim.where, claim.item, world))


def no_item_meets(where: Condition, symbol: Records, world: World) -> Iterable[z3.BoolRef]:
    """Yield that a claim which is false has no item, not even one that shows another claim."""
    denied = z3.Not(symbol.claims[where].holds)
    for other in symbol.claims.values():
        yield z3.Implies(z3.And(denied, other.holds), z3.Not(is_true(where, other.item, world)))


def _leaf_is_true(leaf: Leaf, facts: Scope, world: World) -> z3.BoolRef:
    """Return that a comparison is true; an absent fact has the leaf's own answer."""
    actual = facts[leaf.fact]
    if leaf.other_fact is None:
        return _or_missing(leaf, actual.present, holds(leaf, actual, world.texts))
    other = facts[leaf.other_fact]
    assert isinstance(actual, One)
    assert isinstance(other, One)
    both = z3.And(actual.present, other.present)
    return _or_missing(leaf, both, _compared(leaf.op, actual.value, other.value))


def _or_missing(condition: Leaf | Items, present: z3.BoolRef, says: z3.BoolRef) -> z3.BoolRef:
    return z3.Or(z3.Not(present), says) if condition.matches_missing else z3.And(present, says)


def _items_are(condition: Items, facts: Scope) -> z3.BoolRef:
    """Return that the items of a list are as the condition says. Every item meets it if none fails it."""
    symbol = facts[condition.fact]
    assert isinstance(symbol, Records)
    match condition.quantifier:
        case "any_item":
            says = symbol.claims[condition.where].holds
        case "every_item":
            says = z3.Not(symbol.claims[Not(condition.where)].holds)
        case "no_item":
            says = z3.Not(symbol.claims[condition.where].holds)
    return _or_missing(condition, symbol.present, says)


def holds(leaf: Leaf, actual: Symbol, texts: Texts) -> z3.BoolRef:
    """Return what a leaf says of a fact that is there. Read it beside `app/rulelang/operators.py`."""
    ctx = texts.ctx
    if leaf.op in ("exists", "missing"):
        return z3.BoolVal(leaf.op == "exists", ctx)
    if isinstance(actual, Members):
        return _members_are(leaf, actual)
    if isinstance(actual, Records):
        return z3.Not(actual.claims[LIKE_ANYTHING].holds)  # is_empty, the only one that records have
    if leaf.op in ("starts_with", "contains"):
        return texts.has(actual.value, Part(leaf.op, str(leaf.expected[0])))
    codes = [_code(value, actual, texts) for value in leaf.expected]
    match leaf.op:
        case "between":
            return z3.And(codes[0] <= actual.value, actual.value <= codes[1])
        case "in":
            return is_one_of(actual.value, codes)
        case "not_in":
            return z3.Not(is_one_of(actual.value, codes))
        case _:
            return _compared(leaf.op, actual.value, z3.IntVal(codes[0], ctx))


def _members_are(leaf: Leaf, actual: Members) -> z3.BoolRef:
    key = leaf.op, leaf.expected
    if key not in actual.said:
        actual.said[key] = _said_of_members(leaf, actual)
    return actual.said[key]


def _said_of_members(leaf: Leaf, actual: Members) -> z3.BoolRef:
    sought = [actual.has[str(member)] for member in leaf.expected]
    match leaf.op:
        case "is_empty":
            return actual.is_empty
        case "contains_any":
            return z3.Or(sought)
        case "contains" | "contains_all":
            return z3.And(sought)
    raise ValueError(f"a list has no {leaf.op}")


def _compared(op: str, actual: z3.ArithRef, other: z3.ArithRef) -> z3.BoolRef:
    match op:
        case "eq":
            return actual == other
        case "neq":
            return actual != other
        case "lt":
            return actual < other
        case "lte":
            return actual <= other
        case "gt":
            return actual > other
        case "gte":
            return actual >= other
    raise ValueError(f"no comparison: {op}")


def _code(value: Scalar, actual: One, texts: Texts) -> int:
    return texts.numbers[str(value)] if actual.fact.type == "text" else code_of(value, actual.fact)


def every(parts: Iterable[z3.BoolRef], ctx: z3.Context) -> z3.BoolRef:
    """Return the conjunction; true for none."""
    return z3.And(list(parts), ctx)


def some(parts: Iterable[z3.BoolRef], ctx: z3.Context) -> z3.BoolRef:
    """Return the disjunction; false for none."""
    return z3.Or(list(parts), ctx)
