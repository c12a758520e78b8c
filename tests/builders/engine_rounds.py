"""Plays rounds of random rules and facts through all three engines, and shows where they do not agree.

A round has a seed of its own and needs nothing of the rounds before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from app.adapters.durable_matcher import DurableMatcher
from app.bulk.bulk_matcher import BulkMatcher
from app.engine.matcher import EngineFault, Facts, Matcher, RuleConditions
from app.engine.reference import ReferenceMatcher
from app.rulelang.ast import Condition
from app.rulelang.facts import Catalogue
from app.rulelang.printer import condition_text
from tests.builders.conditions import one_rule
from tests.builders.random_catalogues import World, random_world
from tests.builders.shrinking import shrunk

SETS, RULES, FACTS = 4, 12, 250  # of one round


@dataclass
class Report:
    """What came of the rounds. A verdict is one rule on one set of facts, decided by all three engines."""

    verdicts: int = 0
    true: int = 0
    rounds: int = 0
    disagreements: int = 0
    first: str = ""
    seconds: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    def line(self) -> str:
        """Return the report in one line."""
        return (
            f"{self.verdicts:,} verdicts by three engines in {self.rounds:,} rounds, {self.true / max(self.verdicts, 1):.1%} "
            f"true, {self.seconds:.0f} s: {self.disagreements} disagreements"
        )


def play(seed: int, verdicts: int, *, stop_at: int = 1) -> Report:
    """Play rounds from a seed on until there are so many verdicts, or so many disagreements."""
    report = Report()
    for number in count(seed):
        if report.verdicts >= verdicts or report.disagreements >= stop_at:
            break
        _play_round(number, report)
        report.rounds += 1
    report.seconds = time.perf_counter() - report.started
    return report


def _play_round(seed: int, report: Report) -> None:
    random = Random(seed)
    world = random_world(random)
    durable, bulk = DurableMatcher(capacity=SETS), BulkMatcher(world.catalogue)
    try:
        for _ in range(SETS):
            conditions = world.rules(random, RULES)
            many = [world.facts(random) for _ in range(FACTS)]
            for at, (expected, others) in enumerate(_answers(conditions, many, durable, bulk)):
                report.verdicts += RULES
                report.true += len(expected)
                differing = frozenset().union(*(expected ^ other for other in others))
                report.disagreements += len(differing)
                if differing and not report.first:
                    report.first = _shown(seed, world, dict(conditions.rules)[min(differing)], many[at])
    finally:
        durable.close()
        bulk.close()


def _answers(
    conditions: RuleConditions, many: list[Facts], durable: Matcher, bulk: BulkMatcher
) -> Iterator[tuple[frozenset[str], list[frozenset[str]]]]:
    """Yield for each set of facts what the reference says, and what the others say. A fault is an answer no rule has."""
    reference, fault = ReferenceMatcher(), frozenset(rule for rule, _ in conditions.rules)
    try:
        in_bulk = bulk.matched_each(conditions, many)
    except EngineFault:
        in_bulk = [fault ^ reference.matched(conditions, facts) for facts in many]
    for facts, by_bulk in zip(many, in_bulk, strict=True):
        expected = reference.matched(conditions, facts)
        try:
            by_durable = durable.matched(conditions, facts)
        except EngineFault:
            by_durable = fault ^ expected
        yield expected, [by_durable, by_bulk]


def _shown(seed: int, world: World, when: Condition, facts: Facts) -> str:
    """Return a disagreement as small as it can be, and how to see it again."""
    when, facts = shrunk(when, facts, lambda when, facts: len(set(_each(world.catalogue, when, facts).values())) > 1)
    answers = ", ".join(f"{engine}: {said}" for engine, said in _each(world.catalogue, when, facts).items())
    return (
        f"{condition_text(when)}\n  as a value: {when!r}\n  facts: {facts!r}\n  {answers}\n"
        f"  once more: pytest tests/matchers/test_generated.py --seed {seed} --runs 1"
    )


def _each(catalogue: Catalogue, when: Condition, facts: Facts) -> dict[str, str]:
    engines: dict[str, Matcher] = {
        "reference": ReferenceMatcher(),
        "durable": DurableMatcher(capacity=1),
        "bulk": BulkMatcher(catalogue),
    }
    found = {}
    for name, engine in engines.items():
        try:
            found[name] = "true" if engine.matched(one_rule(when), facts) else "false"
        except EngineFault as fault:
            found[name] = f"fault ({fault})"
    return found
