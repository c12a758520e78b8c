"""Random rule sets: what a search through many facts finds, the analysis never denies, and what it shows is so.

TERMLINE_ANALYSED says how many sets; 30 take a few seconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from random import Random
from typing import Any, Literal

import pytest

from app.analysis.analyse import analyse
from app.analysis.difference import Counterexample, Equal, difference
from app.analysis.findings import Analysed
from app.core.instants import parse_instant
from app.engine.factsheet import Conversion, typed_facts, with_derived
from app.engine.matcher import Facts
from app.engine.payout.lines import chosen
from app.engine.reference import is_true
from app.rulelang.ast import Condition, Flat, Payout, PayoutRule, Verdict, conditions_of, facts_of
from app.rulelang.facts import Catalogue, Fact
from app.rulelang.ruleset import RuleSet
from tests.builders.random_rules import FIELDS, POOLS, random_condition, random_facts

SETS = int(os.environ.get("TERMLINE_ANALYSED", "30"))
SEED = int(os.environ.get("TERMLINE_SEED", "19970702"))
FACTS = 80


def _fact(name: str, kind: str) -> Fact:
    is_hour = name == "hour"
    return Fact(name, kind, "drawn", required=is_hour, derived=is_hour)


CATALOGUE = Catalogue(
    {name: _fact(name, pool.kind) for name, pool in POOLS.items()}
    | {
        "items": Fact(
            "items", "records", "drawn", fields=tuple(Fact(name, FIELDS[name].kind, "drawn") for name in FIELDS)
        )
    }
)


def rule_set(conditions: list[Condition], hit: Literal["first", "unique", "sum"]) -> RuleSet:
    rules = tuple(PayoutRule(f"r{n}", "", when, Flat(Decimal(n)), f"/rules/{n}") for n, when in enumerate(conditions))
    body = Payout(hit, rules, Verdict("hold", "LOOK"), (), ())
    read = frozenset(fact for when in conditions for fact in facts_of(when))
    return RuleSet("payout", repr(body), body, read, read & {"hour"}, frozenset(), repr(body))


def drawn_facts(random: Random) -> list[Facts]:
    """Facts as conversions have them: the hour is computed, so it is always there."""
    return [{**random_facts(random), "hour": random.randint(0, 23)} for _ in range(FACTS)]


def matched(rules: RuleSet, facts: Facts) -> frozenset[str]:
    return frozenset(rule for rule, when in conditions_of(rules.body) if is_true(when, facts))


def facts_shown(conversion: Mapping[str, Any], rules: RuleSet) -> Facts:
    """The facts of a witness, read from JSON as those of a conversion that is sent."""
    sent = json.loads(json.dumps(conversion))
    facts, wrong = typed_facts(sent["facts"], CATALOGUE, "")
    assert not wrong, wrong
    event_at = parse_instant(sent["event_at"])
    assert event_at is not None
    return with_derived(Conversion("w", "p", event_at, None, facts), event_at, rules.facts_read)


def sets() -> Iterator[tuple[Random, list[Condition]]]:
    random = Random(SEED)
    for _ in range(SETS):
        yield random, [random_condition(random) for _ in range(random.randint(2, 6))]


@pytest.mark.parametrize("hit", ["first", "unique"])
def test_what_a_search_finds_is_never_denied_and_what_is_shown_is_so(hit: Literal["first", "unique"]) -> None:
    told: set[str] = set()
    for random, conditions in sets():
        rules = rule_set(conditions, hit)
        findings = analyse(rules, CATALOGUE)
        for facts in drawn_facts(random):
            assert not denied(findings, sorted(matched(rules, facts)), hit), (conditions, facts)
        for finding in findings:
            confirm(finding, rules)
        told |= {finding.finding.code for finding in findings}
    assert told >= {"never_true", "gap"} | ({"shadowed"} if hit == "first" else {"overlap"})
    assert "not_decided" not in told


def denied(findings: list[Analysed], hits: list[str], hit: str) -> list[str]:
    """Return what findings, or the lack of one, say against the rules that facts match."""
    never = {f"r{each.finding.pointer.split('/')[2]}" for each in findings if each.finding.code == "never_true"}
    shadowed = {f"r{each.finding.pointer.split('/')[2]}" for each in findings if each.finding.code == "shadowed"}
    overlapping = {each.finding.message.split(" overlap")[0] for each in findings if each.finding.code == "overlap"}
    against = [rule for rule in hits if rule in never]
    against += [rule for rule in hits[:1] if rule in shadowed and hit == "first"]
    if hit == "unique":
        against += [pair for one, two in combinations(hits, 2) if (pair := f"{one} and {two}") not in overlapping]
    return against + ([] if hits or any(each.finding.code == "gap" for each in findings) else ["no gap"])


def confirm(finding: Analysed, rules: RuleSet) -> None:
    assert finding.witness is not None, finding
    assert finding.witness.conversion is not None
    facts = facts_shown(finding.witness.conversion.as_dict(), rules)
    hits = matched(rules, facts)
    assert hits == set(finding.witness.matched)
    rule = f"r{finding.finding.pointer.split('/')[2]}" if finding.finding.code != "gap" else ""
    match finding.finding.code:
        case "never_true":
            assert rule not in hits
        case "shadowed":
            assert rule in hits
            assert min(hits) < rule
        case "overlap":
            assert {*finding.finding.message.split(" overlap")[0].split(" and ")} <= hits
        case "gap":
            assert not hits


def test_versions_that_a_search_tells_apart_are_never_called_equal() -> None:
    answers = {Equal: 0, Counterexample: 0}
    for random, conditions in sets():
        place = random.randrange(len(conditions))
        changed = [*conditions[:place], random_condition(random, 1), *conditions[place + 1 :]]
        for other in (changed, list(conditions), [*conditions, conditions[place]]):
            old, new = rule_set(conditions, "first"), rule_set(other, "first")
            new = replace(new, facts_required=old.facts_required | new.facts_required)
            old = replace(old, facts_required=new.facts_required)
            found = difference(old, new, CATALOGUE)
            answers[type(found)] += 1  # type: ignore[index]
            if isinstance(found, Counterexample):
                shown = facts_shown(found.conversion.as_dict(), rule_set([*conditions, *other], "first"))
                assert paid_by(old, shown) != paid_by(new, shown), (conditions, other, shown)
            for facts in drawn_facts(random):
                if paid_by(old, facts) != paid_by(new, facts):
                    assert isinstance(found, Counterexample), (conditions, other, facts)
    assert min(answers.values()) >= SETS // 3, answers


def paid_by(rules: RuleSet, facts: Facts) -> list[Any]:
    assert isinstance(rules.body, Payout)
    rated = chosen(rules.body, matched(rules, facts))
    return [formula for _, formula in rated] if isinstance(rated, list) else [rated]
