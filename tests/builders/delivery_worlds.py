"""Draws worlds in which contracts pay for deliveries: alone, beside conversions, in some versions."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from app.bulk.pipeline.world import World
from app.engine.terms import ContractVersion, RuleVersion, TermsHistory
from tests.builders.terms import rule_set

PLACES = ("delivery_payout", "payout")
LIMIT = {"id": "deliveries-cap", "measure": "amount", "per": "contract", "window": "month", "over": "partial"}


def paying_deliveries(random: Random, world: World, *, limited: float = 0) -> World:
    """Return a world of which versions pay for deliveries as well, or for nothing else; `limited` says how often what they
    pay is under a limit, which is one on conversions as well then."""
    histories = {}
    for partner, history in world.histories.items():
        versions = [_paying(random, span.version, limited) for span in history.spans]
        histories[partner] = TermsHistory(history.contract, versions, history.as_of)
    return replace(world, histories=histories)


def _paying(random: Random, version: ContractVersion, limited: float) -> ContractVersion:
    if version.is_termination or random.random() < 0.2:
        return version
    place: Any = random.choice(PLACES)
    kept = tuple(rule for rule in version.rule_versions if rule.kind != place)
    limits = [{**LIMIT, "max": "10.00"}] if random.random() < limited else []
    rules = rule_set(place, {**payout(random), "limits": limits})
    start = version.effective_from
    paid = RuleVersion(f"{place}-{version.number}", 1, rules, start, version.recorded_at, place=place)
    return replace(version, rule_versions=(*kept, paid))


def payout(random: Random) -> dict[str, Any]:
    """Return a payout on deliveries."""
    when = {"fact": "delivery.placement", "op": "eq", "value": random.choice(("home", "news"))}
    rates = [{"cpm": random.choice(("0.333", "2.50", "17")), "of": "delivery.billable"} for _ in range(2)]
    return {
        "on": "delivery",
        "hit": random.choice(("first", "sum")),
        "rules": [{"id": "one", "when": when, "then": rates[0]}],
        "otherwise": rates[1],
    }
