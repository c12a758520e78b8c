"""A trial of rules on durable before they are submitted: built and asked in a process of its own, where what crashes or
never ends harms nobody. What is asked is here; how it is confined is `confined.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from app.adapters.confined import Limits, NoRoom, TaskFailed, run_confined
from app.adapters.durable_matcher import DurableMatcher
from app.engine.matcher import Facts, RuleConditions, RulesNotRunnable, TrialNotRun
from app.engine.reference import ReferenceMatcher
from app.rulelang.ast import AllOf, AnyOf, Condition, Items, Leaf, Not
from app.rulelang.operators import LISTS, OPERATORS

MOST_PROBES = 40


class DurableTrial:
    """The trial on durable. It has no state; several may run at once."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def __call__(self, versions: Sequence[RuleConditions]) -> None:
        """Return if durable runs all of the rules and says what the reference engine says; else RulesNotRunnable."""
        asked = [version for version in versions if version.rules]
        if asked:
            tried(partial(rehearse, asked), self._limits)


def tried(task: partial[None], limits: Limits) -> None:
    """Run a task under limits, and word how it failed for whoever submitted the rules."""
    try:
        run_confined(task, limits)
    except TaskFailed as error:
        raise RulesNotRunnable(
            f"The rules engine was given these rules in a trial: {error}. Nothing was submitted. Make the rule set "
            "smaller or simpler and draft it again; if it is small, report it."
        ) from error
    except NoRoom as error:
        raise TrialNotRun(f"The rules could not be tried out: {error}. Nothing was submitted; try again.") from error


def rehearse(versions: Iterable[RuleConditions]) -> None:
    """Build each rule version and compare its answers with the reference engine's. ValueError for a wrong one."""
    matcher, reference = DurableMatcher(), ReferenceMatcher()
    for version in versions:
        for facts in probes(when for _, when in version.rules):
            found, expected = matcher.matched(version, facts), reference.matched(version, facts)
            if found != expected:
                rules = ", ".join(sorted(found ^ expected)[:5])
                raise ValueError(f"it disagrees with the reference engine on {rules} for {dict(facts)}")
        matcher.close()


def probes(conditions: Iterable[Condition]) -> Iterator[Facts]:
    """Yield facts to ask by: none at all, then values that the conditions compare with, each in turn up to a limit."""
    yield {}
    literals = _literals(conditions)
    for turn in range(min(MOST_PROBES, max(map(len, literals.values()), default=0))):
        yield _facts_at(literals, turn)


def _facts_at(literals: Mapping[str, Sequence[Any]], turn: int) -> Facts:
    return {fact: values[turn % len(values)] for fact, values in literals.items()}


def _literals(conditions: Iterable[Condition]) -> dict[str, Sequence[Any]]:
    """Return by fact the values to give it: of a list of records, items that have the values `where` compares with."""
    parts = [part for condition in conditions for part in _parts(condition)]
    found: dict[str, dict[Any, None]] = {}
    for leaf in (part for part in parts if isinstance(part, Leaf) and part.expected):
        found.setdefault(leaf.fact, {}).update(dict.fromkeys(leaf.expected))
    lists = {part.fact for part in parts if isinstance(part, Leaf) and OPERATORS[part.op].types <= LISTS}
    wheres: dict[str, list[Condition]] = {}
    for items in (part for part in parts if isinstance(part, Items)):
        wheres.setdefault(items.fact, []).append(items.where)
    values = {fact: [(value,) if fact in lists else value for value in each] for fact, each in found.items()}
    return values | {fact: _lists_of_records(each) for fact, each in wheres.items()}


def _lists_of_records(wheres: Iterable[Condition]) -> Sequence[Any]:
    fields = _literals(wheres)
    return [(), *((_facts_at(fields, turn),) for turn in range(max(map(len, fields.values()), default=0)))]


def _parts(condition: Condition) -> Iterator[Leaf | Items]:
    match condition:
        case Leaf() | Items():
            yield condition
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _parts(part)
        case Not(part):
            yield from _parts(part)
