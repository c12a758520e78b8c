"""The shape of terms: their rules without their numbers, so that contracts that differ in numbers alone are one query.

Numbers are lifted out into slots, in the order in which they stand. What decides how a query is written stays: facts,
operators, which ends are open, lists that no join could replace. Ids, names and codes say nothing to a query.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

from app.core.currency import minor_digits
from app.core.money import ZERO
from app.core.rounding import Rounding
from app.engine.terms import Terms
from app.rulelang.ast import (
    AllOf,
    AnyOf,
    Clamp,
    Condition,
    Cpm,
    Fallback,
    Flat,
    Formula,
    Greatest,
    Items,
    Leaf,
    Least,
    Limit,
    Not,
    Package,
    Percent,
    PerItem,
    PerUnit,
    Step,
    Sum,
    Tiers,
    Verdict,
)
from app.rulelang.operators import OPERATORS

SETS = ("in", "not_in")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a shape at which each of its terms has a value of its own."""

    number: int


@dataclass(frozen=True, slots=True)
class SetSlot:
    """A place at which each of its terms has a list of its own."""

    number: int


@dataclass(frozen=True, slots=True)
class LimitShape:
    """A limit without its number; `over` of a fallback is its formula."""

    measure: str
    per: str
    window: str
    max: Any
    over: str | Formula


@dataclass(frozen=True, slots=True)
class Shape:
    """Terms without their numbers."""

    eligibility: tuple[tuple[Condition, str], ...]
    otherwise: str
    qualify: tuple[Condition, ...]
    claims: str
    hit: str
    rules: tuple[tuple[Condition, Formula], ...]
    pays_otherwise: Formula | str
    bonuses: tuple[tuple[Condition, Formula], ...]
    limits: tuple[LimitShape, ...]
    facts_required: tuple[str, ...]
    attribution_required: tuple[str, ...]
    counters: Hashable
    pays_conversions: bool
    digits: int
    rounding: Rounding


def shape_of(terms: Terms, counters: Hashable) -> tuple[Shape, tuple[Any, ...]]:
    """Return the shape of terms and what they have in its slots. `counters` says what of its contract's counters a query
    has to know."""
    values: list[Any] = []

    def take(value: Any, *, is_set: bool = False) -> Any:
        values.append(value)
        return (SetSlot if is_set else Slot)(len(values) - 1)

    payout, eligibility, attribution = terms.payout_body, terms.eligibility_body, terms.attribution_body
    ends = payout.otherwise
    contract = terms.contract
    if not terms.pays_conversions:
        return _unpaid(terms, counters, take), tuple(values)
    shape = Shape(
        eligibility=tuple((lifted(rule.when, take), rule.then.action) for rule in eligibility.rules),
        otherwise=eligibility.otherwise.action,
        qualify=tuple(lifted(rule.when, take) for rule in attribution.qualify),
        claims=attribution.claims,
        hit=payout.hit,
        rules=tuple((lifted(rule.when, take), lifted_formula(rule.then, take)) for rule in payout.rules),
        pays_otherwise="hold" if isinstance(ends, Verdict) else lifted_formula(ends, take),
        bonuses=tuple((lifted(rule.when, take), lifted_formula(rule.then, take)) for rule in payout.bonuses),
        limits=tuple(_limit(limit, take) for limit in terms.limits),
        facts_required=terms.facts_required,
        attribution_required=tuple(sorted(terms.attribution.rules.facts_required)),
        counters=counters,
        pays_conversions=True,
        digits=minor_digits(contract.currency) or 0,
        rounding=contract.rounding,
    )
    return shape, tuple(values)


Take = Callable[..., Any]


def _unpaid(terms: Terms, counters: Hashable, take: Take) -> Shape:
    """Return the shape of terms that pay for deliveries alone. A touch may still win a conversion for them, so what is left
    is who is credited."""
    return Shape(
        eligibility=(),
        otherwise="reject",
        qualify=tuple(lifted(rule.when, take) for rule in terms.attribution_body.qualify),
        claims=terms.attribution_body.claims,
        hit="first",
        rules=(),
        pays_otherwise="hold",
        bonuses=(),
        limits=(),
        facts_required=(),
        attribution_required=tuple(sorted(terms.attribution.rules.facts_required)),
        counters=counters,
        pays_conversions=False,
        digits=minor_digits(terms.contract.currency) or 0,
        rounding=terms.contract.rounding,
    )


def lifted(condition: Condition, take: Take) -> Condition:
    """Return a condition with slots for what it compares with."""
    match condition:
        case Leaf():
            return _leaf(condition, take)
        case AllOf(parts):
            return AllOf(tuple(lifted(part, take) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(lifted(part, take) for part in parts))
        case Not(part):
            return Not(lifted(part, take))
        case Items():
            # Of items, values stay: a parameter cannot be read inside a lambda by every engine.
            return replace(condition, pointer="")
        case _:
            return condition


def _leaf(leaf: Leaf, take: Take) -> Leaf:
    expected = leaf.expected
    if expected and leaf.op in SETS:
        expected = (take(expected, is_set=True),)
    elif expected and OPERATORS[leaf.op].arity is not None:
        expected = tuple(take(value) for value in expected)
    # Written out: `replace` takes three times as long, and is asked for every leaf of every version.
    return Leaf(leaf.fact, leaf.op, expected, if_missing=leaf.if_missing, other_fact=leaf.other_fact, kind=leaf.kind)


def lifted_formula(formula: Formula, take: Take) -> Formula:
    """Return a formula with slots for its numbers."""
    match formula:
        case Flat(amount):
            return Flat(take(amount))
        case Percent(rate, of):
            return Percent(take(rate), of)
        case PerUnit(amount, of):
            return PerUnit(take(amount), of)
        case Cpm(amount, of):
            return Cpm(take(amount), of)
        case Package():
            free = take(formula.free) if formula.free else ZERO
            return replace(formula, size=take(formula.size), amount=take(formula.amount), free=free)
        case Tiers():
            return replace(formula, steps=tuple(_step(step, take) for step in formula.steps))
        case PerItem():
            return replace(formula, pointer="")
        case Sum(parts) | Least(parts) | Greatest(parts):
            return type(formula)(tuple(lifted_formula(part, take) for part in parts))
        case Clamp(part, low, high):
            ends = (None if end is None else take(end) for end in (low, high))
            return Clamp(lifted_formula(part, take), *ends)
        case _:
            return formula


def _step(step: Step, take: Take) -> Step:
    up_to = None if step.up_to is None else take(step.up_to)
    return Step(up_to, take(step.unit), take(step.flat) if step.flat else ZERO)


def _limit(limit: Limit, take: Take) -> LimitShape:
    over = lifted_formula(limit.over.formula, take) if isinstance(limit.over, Fallback) else limit.over
    return LimitShape(limit.measure, limit.per, limit.window, take(limit.max), over)


@dataclass(frozen=True, slots=True)
class Values:
    """What the terms of one shape have in its slots: one value where all have the same, else what there are."""

    by_slot: Sequence[tuple[Any, ...]]

    def common(self, slot: Slot | SetSlot) -> Any | None:
        """Return the one value of a slot, or None where there are several."""
        found = self.by_slot[slot.number]
        return found[0] if all(each == found[0] for each in found) else None

    def decimals(self, slot: Slot) -> tuple[Decimal, ...]:
        """Return the values of a slot of a formula."""
        return cast(tuple[Decimal, ...], self.by_slot[slot.number])
