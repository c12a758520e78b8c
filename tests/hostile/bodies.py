"""Draws rule bodies and conversions that the language allows, as JSON data; what makes them hostile is done to them later."""

from __future__ import annotations

from random import Random
from typing import Any

from app.adapters.fact_files import shipped_catalogue
from app.rulelang.facts import Catalogue, Fact, item_catalogue
from app.rulelang.operators import BETWEEN_FACTS, OPERATORS
from tests.hostile.values import good_value, near_value

CATALOGUE = Catalogue({fact.name: fact for fact in shipped_catalogue() if fact.subject != "delivery"})
FACTS = tuple(CATALOGUE)
SENT = tuple(fact for fact in FACTS if not fact.derived)
NUMBERS = tuple(fact.name for fact in FACTS if fact.type in ("integer", "decimal"))
LISTS = tuple(fact for fact in FACTS if fact.type == "records")
MONEY = ("0", "1", "5", "0.01", "12.50", "100", "-1", "0.000000001", "999999999999999999.999999999")


def rule_body(random: Random) -> dict[str, Any]:
    """Return a body that has no defect, or only one of sense, such as a range the wrong way round."""
    drawn = random.random()
    if drawn < 0.05:
        return {"kind": "attribution", "claims": random.choice(("accept", "refuse"))}
    return eligibility(random) if drawn < 0.5 else payout(random)


def eligibility(random: Random) -> dict[str, Any]:
    """Return an eligibility body."""
    verdicts = ("accept", {"reject": "NO"}, {"hold": "LOOK"})
    rules = [{"id": f"r{n}", "when": condition(random), "then": random.choice(verdicts)} for n in _upto(random, 4)]
    return {"kind": "eligibility", "rules": rules, "otherwise": random.choice(verdicts)}


def payout(random: Random) -> dict[str, Any]:
    """Return a payout body."""
    hit = random.choice(("first", "unique", "sum"))
    rules = [{"id": f"r{n}", "when": condition(random), "then": formula(random)} for n in _upto(random, 4)]
    body = {"kind": "payout", "on": "conversion", "hit": hit, "rules": rules, "otherwise": formula(random)}
    if random.random() < 0.3:
        body["bonuses"] = [{"id": "b", "name": "A bonus", "when": condition(random), "then": formula(random)}]
    if random.random() < 0.2:
        limited = {"measure": "amount", "per": "contract", "window": "month", "max": "100", "over": "partial"}
        body["limits"] = [{"id": "l", **limited}]
    return body


def condition(random: Random, depth: int = 2, known: Catalogue = CATALOGUE) -> Any:
    """Return a condition on facts, or on the fields of an item."""
    drawn = random.random()
    if depth == 0 or drawn < 0.5:
        return leaf(random, random.choice(tuple(known)), known)
    if drawn < 0.55:
        return {"always": True}
    if drawn < 0.65:
        return {"not": condition(random, depth - 1, known)}
    if drawn < 0.75 and known is CATALOGUE:
        one = random.choice(LISTS)
        word = random.choice(("any_item", "every_item", "no_item"))
        return {word: one.name, "where": condition(random, depth - 1, item_catalogue(one)), "if_missing": "no_match"}
    return {random.choice(("all", "any")): [condition(random, depth - 1, known) for _ in range(random.randint(1, 3))]}


def leaf(random: Random, fact: Fact, known: Catalogue) -> dict[str, Any]:
    """Return a comparison."""
    op = random.choice([word for word, operator in OPERATORS.items() if fact.type in operator.types])
    said: dict[str, Any] = {"fact": fact.name, "op": op}
    if op not in ("exists", "missing"):
        said["if_missing"] = random.choice(("match", "no_match"))
    alike = [other.name for other in known if other.type == fact.type and other.values == fact.values and other != fact]
    arity = OPERATORS[op].arity
    scalar = Fact(fact.name, fact.type.removesuffix("_list"), "", values=fact.values, fields=fact.fields)
    if op in BETWEEN_FACTS and alike and random.random() < 0.2:
        said["value"] = {"fact": random.choice(alike)}
    elif arity == 1:
        said["value"] = good_value(random, scalar)
    elif arity != 0:
        said["value"] = [good_value(random, scalar) for _ in range(arity or random.randint(1, 12))]
    return said


def formula(random: Random, depth: int = 2) -> dict[str, Any]:
    """Return a formula."""
    money, fact, drawn = random.choice(MONEY), random.choice(NUMBERS), random.random()
    if depth and drawn < 0.15:
        parts = [formula(random, depth - 1) for _ in range(random.randint(1, 3))]
        return {random.choice(("sum", "least", "greatest")): parts}
    if depth and drawn < 0.25:
        return {"clamp": formula(random, depth - 1), random.choice(("min", "max")): money}
    if drawn < 0.4:
        return {random.choice(("percent", "per_unit", "cpm")): money, "of": fact}
    if drawn < 0.5:
        return {
            "package": {"size": random.choice(("0.000000001", "10", "999999999999999999")), "amount": money},
            "of": fact,
        }
    if drawn < 0.65:
        steps = [{"up_to": str(10**n), "unit": random.choice(MONEY), "flat": "1"} for n in _upto(random, 5)]
        table = {
            "mode": "graduated",
            "by": {"sum": fact},
            "window": random.choice(("event", "month")),
            "rate": "per_unit",
        }
        return {"tiers": {**table, "steps": [*steps, {"up_to": None, "unit": money}]}}
    return {"amount": fact} if drawn < 0.75 else {"flat": money}


def conversion(random: Random, *, is_near: bool = False) -> dict[str, Any]:
    """Return a conversion whose facts are of their types, or nearly."""
    value = near_value if is_near else good_value
    chosen = random.sample(SENT, random.randint(0, 6))
    facts = {"order_value": "100.00", **{fact.name: value(random, fact) for fact in chosen}}
    return {
        "id": "order-1001",
        "program": "cdnow",
        "event_at": "1997-07-02T10:00:00-04:00",
        "partner": "acme",
        "facts": facts,
    }


def _upto(random: Random, most: int) -> range:
    return range(random.randint(0, most))
