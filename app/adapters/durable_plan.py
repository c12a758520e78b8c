"""How rules are cut to what durable can hold: chains of checks, in sets. What a check looks like there is the codec's.

durable follows every true branch of an `any` separately. Two such groups in one rule fire it four times, eleven groups
of four would fire it four million times, and 64 open branches are an error. So no `any` reaches it: a rule becomes
alternatives, each a chain of checks that must all hold, under one rule id. A chain fires at most once, whatever the
facts. Where there would be too many alternatives, a group is computed beforehand and becomes one check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain as joined
from itertools import product
from math import prod
from typing import TypeAlias

from app.rulelang.ast import Condition
from app.rulelang.compiler import Check, Every, HasItem, Normal, Some, normal_form

# Compared by the engine itself, with values; it knows no parts of text, no lists, and no other fact to compare with that
# may be absent, so all else is computed beforehand.
NATIVE = frozenset({"eq", "neq", "lt", "lte", "gt", "gte", "in", "not_in", "exists", "missing"})
MAX_MEMBERS = 8  # of a list that the engine compares by itself
MAX_ALTERNATIVES = 12  # of one rule
MAX_STEPS = 120  # of all alternatives of one group together; each takes memory, and is walked at each decision
MAX_GROUPS = 12  # in a chain: the engine gives up at 15
MAX_CHAINS = 60  # in a set: the engine gives up at 64 branches that are true together
MAX_BRANCHES = 400  # that leave one node of a set: near 512 the engine never finishes compiling
MAX_PROPERTIES = 200  # of what is sent for a set: the engine gives up at 252


@dataclass(frozen=True, slots=True)
class Derived:
    """A part of a condition whose truth is computed before the engine runs, and sent as a fact."""

    normal: Normal


Step: TypeAlias = Check | Derived


@dataclass(frozen=True, slots=True)
class Chain:
    """One alternative of a rule: true when every step is."""

    rule: str
    steps: tuple[Step, ...]


EngineSet: TypeAlias = tuple[Chain, ...]


def engine_sets(rules: Iterable[tuple[str, Condition]]) -> tuple[EngineSet, ...]:
    """Return the rules as sets that the engine can hold. A rule that is never true is in none of them."""
    return tuple(_packed(joined.from_iterable(chains_of(rule, when) for rule, when in rules)))


def chains_of(rule: str, when: Condition) -> list[Chain]:
    """Return the alternatives of one rule."""
    return [Chain(rule, _within_groups(steps)) for steps in _alternatives(normal_form(when))]


def groups_of(step: Step) -> int:
    """Return how many and/or groups a step is for the engine."""
    if isinstance(step, Derived) or not step.if_absent or step.op == "missing":
        return int(isinstance(step, Check) and step.op == "in" and len(step.expected) > 1)
    return 2 if step.op == "not_in" else 1


def _alternatives(normal: Normal) -> list[tuple[Step, ...]]:
    """Return a normal form as at most MAX_ALTERNATIVES conjunctions."""
    match normal:
        case Check():
            return [(_step_of(normal),)]
        case HasItem():
            return [(Derived(normal),)]
        case Some(parts):
            found = [steps for part in parts for steps in _alternatives(part)]
            return found if len(found) <= MAX_ALTERNATIVES else [(Derived(normal),)]
        case Every(parts):
            return _distributed(parts)


def _distributed(parts: Sequence[Normal]) -> list[tuple[Step, ...]]:
    """Multiply a conjunction out; while that is too much, the part with the most alternatives is computed instead."""
    factors = [_alternatives(part) for part in parts]
    while _is_too_much(factors):
        widest = max(range(len(factors)), key=lambda at: len(factors[at]))
        factors[widest] = [(Derived(parts[widest]),)]
    return [tuple(dict.fromkeys(joined.from_iterable(steps))) for steps in product(*factors)]


def _is_too_much(factors: Sequence[Sequence[tuple[Step, ...]]]) -> bool:
    """Tell whether a product has too many alternatives, or would repeat too many steps in them."""
    alternatives = prod(map(len, factors))
    steps = sum(sum(map(len, each)) * alternatives // len(each) for each in factors if each)
    return alternatives > MAX_ALTERNATIVES or (alternatives > 1 and steps > MAX_STEPS)


def _step_of(check: Check) -> Step:
    is_native = check.op in NATIVE and check.other_fact is None and len(check.expected) <= MAX_MEMBERS
    return check if is_native else Derived(check)


def _within_groups(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Compute beforehand what goes beyond MAX_GROUPS."""
    kept: list[Step] = []
    groups = 0
    for step in steps:
        groups += groups_of(step)
        kept.append(Derived(step) if isinstance(step, Check) and groups_of(step) and groups > MAX_GROUPS else step)
    return tuple(kept)


def _packed(chains: Iterable[Chain]) -> Iterator[EngineSet]:
    """Fill sets in order, each up to the first limit it meets."""
    held: list[Chain] = []
    branches, properties = 0, set[object]()
    for chain in chains:
        widest = max((_branches_of(step) for step in chain.steps), default=1)
        more = {name for step in chain.steps for name in _properties_of(step)}
        full = len(held) == MAX_CHAINS or branches + widest > MAX_BRANCHES or len(properties | more) > MAX_PROPERTIES
        if held and full:
            yield tuple(held)
            held, branches, properties = [], 0, set()
        held.append(chain)
        branches += widest
        properties |= more
    if held:
        yield tuple(held)


def _branches_of(step: Step) -> int:
    return 1 if isinstance(step, Derived) else len(step.expected) + 1


def _properties_of(step: Step) -> Iterator[object]:
    if isinstance(step, Derived):
        yield step
    else:
        yield from (("value", step.fact), ("presence", step.fact))
