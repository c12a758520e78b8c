"""Asking whether a conversion can be like this: yes with an example, no, or not known. One solver for a set of conditions.

Yes is said only when the reference evaluator finds the example so; no only when the solver has proved it. The solver is
given a number of steps and not a time, so that an answer is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from zoneinfo import ZoneInfo

import z3

from app.analysis.example import Example, catalogue_example, facts_of_example, simpler
from app.analysis.reading import example_of
from app.analysis.translate import claim_laws, is_true, no_item_meets
from app.analysis.world import Records, World, is_carried, usual_days
from app.engine.matcher import Facts
from app.engine.reference import is_true as is_true_by_reference
from app.engine.reference import items_of
from app.rulelang.ast import Condition, facts_of
from app.rulelang.facts import Catalogue

Key: TypeAlias = Hashable
MOST_REFINEMENTS = 30
# What it takes to read an example from a model, in steps of the solver: for each part of a text, each member of a list.
_A_PART, _A_MEMBER = 800, 130
_OTHER_NUMBERS = (1, 7, 100)


@dataclass(slots=True)
class Budget:
    """The solver's steps that are left, for all questions together, and the most of them for one. A second on one core
    is about eight million."""

    left: int = 60_000_000
    each: int = 10_000_000


class Matched(Collection[Key]):
    """The conditions that the reference evaluator finds true of a conversion, each looked at when it is asked for."""

    def __init__(self, conditions: Mapping[Key, Condition], facts: Facts) -> None:
        self.facts = facts
        self._conditions = conditions
        self._known: dict[Key, bool] = {}

    def __contains__(self, key: object) -> bool:
        if key not in self._known:
            self._known[key] = is_true_by_reference(self._conditions[key], self.facts)
        return self._known[key]

    def __iter__(self) -> Iterator[Key]:
        return (key for key in self._conditions if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


Wanted: TypeAlias = Callable[[Matched], bool]


@dataclass(frozen=True, slots=True)
class Yes:
    """A conversion that is as asked, and what matches it."""

    example: Example
    matched: Matched


@dataclass(frozen=True, slots=True)
class No:
    """No conversion is. `because` are the places of those parts of the question that already exclude each other."""

    because: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither was found."""

    why: str


Answer: TypeAlias = Yes | No | Unknown


class Questions:
    """Answers questions about conditions, which have keys. A part of a question is a proposition about `says[key]`."""

    def __init__(
        self,
        conditions: Mapping[Key, Condition],
        catalogue: Catalogue,
        timezone: ZoneInfo,
        budget: Budget,
        also_read: frozenset[str] = frozenset(),
    ) -> None:
        self.ctx = z3.Context()
        self._conditions = conditions
        self._timezone = timezone
        self._budget = budget
        self._world = World(conditions.values(), catalogue, self.ctx)
        self._read = frozenset(fact for when in conditions.values() for fact in facts_of(when)) | also_read
        self.required = frozenset(
            name for name in self._read if catalogue[name].required and is_carried(catalogue[name])
        )
        self._added = {
            name: catalogue_example(catalogue[name])
            for name in sorted(also_read - self._world.scope.keys())
            if is_carried(catalogue[name]) and not catalogue[name].derived
        }
        self._solver = z3.SimpleSolver(ctx=self.ctx)
        self._solver.add(*self._world.laws, *claim_laws(self._world.scope, self._world))
        self._names: dict[int, tuple[z3.BoolRef, z3.BoolRef]] = {}
        # Days near the ends of time are looked at last: not every zone has them all.
        self._usual = [self._named(each) for each in usual_days(self._world.scope)]
        self._reading = _A_PART * self._world.texts.count() + _A_MEMBER * self._world.members_sought
        self._told: set[tuple[str, Condition]] = set()
        self._found: list[Yes] = []
        self.says = {key: is_true(when, self._world.scope, self._world) for key, when in conditions.items()}

    @property
    def catalogue(self) -> Catalogue:
        return self._world.catalogue

    def absent(self, fact: str) -> z3.BoolRef | None:
        """Return that a fact is absent, or None for one that no condition reads: examples have it."""
        symbol = self._world.scope.get(fact)
        return None if symbol is None else z3.Not(symbol.present)

    def ask(self, parts: Sequence[z3.BoolRef], wanted: Wanted) -> Answer:
        """Tell whether a conversion can meet all parts. `wanted` says the same of what the reference evaluator finds;
        an example that was found for another question is tried first."""
        for known in self._found:
            if wanted(known.matched):
                return known
        names, usual = [self._named(part) for part in parts], self._usual
        for _ in range(MOST_REFINEMENTS):
            found = self._solved(names + usual)
            if isinstance(found, No) and usual:
                usual = []
                continue
            if not isinstance(found, z3.ModelRef):
                return found
            self._budget.left -= self._reading
            example = self._completed(example_of(found, self._world, self._timezone))
            matched = None if example is None else self.matched(example)
            if example is not None and matched is not None and wanted(matched):
                self._found.append(Yes(example, matched))
                return self._found[-1]
            if matched is None or not self._refined(found, matched.facts):
                break
        return Unknown("an example that was found could not be confirmed")

    def matched(self, example: Example) -> Matched | None:
        """Return what the reference evaluator finds true of an example, or None if no rule would be asked about it."""
        facts = facts_of_example(example, self.catalogue, self._read)
        if facts is None or any(name not in facts for name in self.required):
            return None
        return Matched(self._conditions, facts)

    def ids_matched(self, example: Example) -> tuple[str, ...]:
        """Return the keys of what matches an example, as text; none if no rule would be asked about it."""
        return tuple(map(str, self.matched(example) or ()))

    def recalculated(self, example: Example) -> Iterator[Yes]:
        """Yield an example, then the same with other values of the numbers that are calculated with and not tested."""
        calculated = sorted(self._added.keys() & example.facts.keys())
        changes: list[dict[str, int]] = [{}, *({name: value} for name in calculated for value in _OTHER_NUMBERS)]
        for change in changes:
            changed = replace(example, facts={**example.facts, **change})
            matched = self.matched(changed)
            if matched is not None:
                yield Yes(changed, matched)

    def simplest(self, answer: Yes, wanted: Wanted) -> Yes:
        """Return an example that shows the same with less: each fact left out, or as usual, where that changes nothing."""
        best = answer
        found = True
        while found:
            found = False
            for example in simpler(best.example, self.catalogue, self._added.keys()):
                matched = self.matched(example)
                if matched is not None and wanted(matched):
                    best, found = Yes(example, matched), True
                    break
        return best

    def _solved(self, names: list[z3.BoolRef]) -> z3.ModelRef | No | Unknown:
        if self._budget.left <= 0:
            return Unknown("the steps for one rule set are used up")
        before = self._steps()
        self._solver.set("rlimit", min(self._budget.each, self._budget.left))
        verdict = self._solver.check(*names)
        self._budget.left -= self._steps() - before
        if verdict == z3.sat:
            return self._solver.model()
        if verdict == z3.unsat:
            core = {name.get_id() for name in self._solver.unsat_core()}
            return No(tuple(place for place, name in enumerate(names) if name.get_id() in core))
        return Unknown("it takes more steps than one question may")

    def _refined(self, model: z3.ModelRef, facts: Facts) -> bool:
        """Tell the solver that a claim about items is false for every item, where its model has an item that meets it
        all the same. These laws are many, and few are ever needed; return whether there was one to tell."""
        laws: list[z3.BoolRef] = []
        for name, symbol in self._world.scope.items():
            if isinstance(symbol, Records):
                items = items_of(facts, name)
                for where, claim in symbol.claims.items():
                    is_denied = z3.is_false(model.eval(claim.holds, model_completion=True))
                    is_met = is_denied and any(is_true_by_reference(where, item) for item in items)
                    if is_met and (name, where) not in self._told:
                        self._told.add((name, where))
                        laws += no_item_meets(where, symbol, self._world)
        self._solver.add(*laws)
        return bool(laws)

    def _completed(self, example: Example | None) -> Example | None:
        """Return an example with the facts that are calculated with, as far as conditions leave them open."""
        return None if example is None else replace(example, facts={**self._added, **example.facts})

    def _named(self, part: z3.BoolRef) -> z3.BoolRef:
        """Return a name for a part of a question: the solver says by names which parts exclude each other."""
        if part.get_id() not in self._names:
            name = z3.Bool(f"part {len(self._names)}", self.ctx)
            self._solver.add(z3.Implies(name, part))
            self._names[part.get_id()] = (part, name)
        return self._names[part.get_id()][1]

    def _steps(self) -> int:
        statistics = self._solver.statistics()
        return (
            int(statistics.get_key_value("rlimit count"))
            if any(name == "rlimit count" for name, _ in statistics)
            else 0
        )
