"""Makes a condition and facts that fail as small as they can be and still fail, for somebody to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from app.engine.matcher import Facts
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not
from app.rulelang.operators import OPERATORS

Fails = Callable[[Condition, Facts], bool]


def shrunk(when: Condition, facts: Facts, fails: Fails) -> tuple[Condition, Facts]:
    """Return the smallest condition and facts found that fail as these do."""
    while True:
        smaller = next((pair for pair in _smaller(when, facts) if fails(*pair)), None)
        if smaller is None:
            return when, facts
        when, facts = smaller


def _smaller(when: Condition, facts: Facts) -> Iterator[tuple[Condition, Facts]]:
    yield from ((each, facts) for each in simpler(when))
    yield from ((when, each) for each in _fewer(facts))


def simpler(when: Condition) -> Iterator[Condition]:
    """Yield what a condition becomes when one thing is taken out of it."""
    match when:
        case AllOf(parts) | AnyOf(parts):
            yield from parts
            if len(parts) > 1:
                yield from (type(when)(parts[:at] + parts[at + 1 :]) for at in range(len(parts)))
            for at, part in enumerate(parts):
                yield from (type(when)((*parts[:at], each, *parts[at + 1 :])) for each in simpler(part))
        case Not(part):
            yield part
            yield from map(Not, simpler(part))
        case Items():
            yield from (replace(when, where=each) for each in simpler(when.where))
        case Leaf() if OPERATORS[when.op].arity is None and len(when.expected) > 1:
            half = len(when.expected) // 2
            yield from (replace(when, expected=part) for part in (when.expected[:half], when.expected[half:]))
        case Leaf() | Always():
            return


def _fewer(facts: Facts) -> Iterator[Facts]:
    for name, value in facts.items():
        yield {other: each for other, each in facts.items() if other != name}
        if isinstance(value, tuple):
            yield from ({**facts, name: each} for each in _shorter(value))


def _shorter(items: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for at, item in enumerate(items):
        yield items[:at] + items[at + 1 :]
        if isinstance(item, dict):
            for field in item:
                less = {name: value for name, value in item.items() if name != field}
                yield (*items[:at], less, *items[at + 1 :])
