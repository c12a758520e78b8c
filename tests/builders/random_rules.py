"""Draws rule sets and facts that meet each other often: few values per fact, and values next to those rules test."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.engine.matcher import Facts, RuleConditions
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not, Value
from app.rulelang.operators import BETWEEN_FACTS, OPERATORS
from tests.builders.conditions import rules

INSTANT = datetime(1997, 7, 2, 14, tzinfo=UTC)
POOLS: Mapping[str, tuple[str, tuple[Value, ...]]] = {
    "country": ("text", ("US", "CA", "MX", "", "U", 'U"S', "U\\", "日本")),
    "coupon": ("text", tuple(f"C{n}" for n in range(12))),
    "value": ("decimal", tuple(Decimal(n) for n in ("-1", "0", "0.000001", "99.999999", "100", "100.000001", "4e11"))),
    "quantity": ("integer", (-1, 0, 1, 2, 2**53, 2**53 + 1, 2**62 - 1, 1 - 2**62)),
    "hour": ("integer", tuple(range(12))),
    "fee": ("decimal", tuple(Decimal(n) for n in ("0", "100", "1e2", "0.000001"))),
    "home": ("text", ("US", "CA", "us", "", "日本")),
    "trial": ("boolean", (True, False)),
    "day": ("date", tuple(date(2024, 2, 28) + timedelta(days=n) for n in range(4))),
    "joined": ("date", tuple(date(2024, 2, 27) + timedelta(days=n) for n in range(4))),
    "seen": ("instant", tuple(INSTANT + timedelta(microseconds=n) for n in range(-2, 3))),
    "visit": ("duration", tuple(timedelta(hours=1, microseconds=n) for n in range(-2, 3))),
    "tags": ("text_list", ((), ("a",), ("b",), ("ab",), ("a", "b"), ("b", "a", "c"), ("a", "a"), ("",), ("c", "é"))),
}
FIELDS = {name: POOLS[name] for name in ("country", "value", "fee", "quantity", "trial", "joined", "day")}
MEMBERS = (*"abcdefghi", "", "ab", "é")


def random_set(random: Random, most_rules: int = 8) -> RuleConditions:
    """Return a rule set of at least one rule."""
    return rules({f"rule {n}": random_condition(random) for n in range(random.randint(1, most_rules))})


def random_facts(random: Random) -> Facts:
    """Return facts of which a third is absent, and up to three articles."""
    facts = {name: random.choice(pool) for name, (_, pool) in POOLS.items() if random.random() > 0.33}
    if random.random() > 0.33:
        facts["items"] = tuple(_random_item(random) for _ in range(random.randint(0, 3)))
    return facts


def _random_item(random: Random) -> dict[str, Any]:
    return {name: random.choice(pool) for name, (_, pool) in FIELDS.items() if random.random() > 0.33}


def random_condition(random: Random, depth: int = 3) -> Condition:
    """Return a condition with groups up to a depth."""
    drawn = random.random()
    if depth == 0 or drawn < 0.3:
        return random_leaf(random)
    if drawn < 0.32:
        return Always()
    if drawn < 0.38:
        return random_items(random, depth - 1)
    if drawn < 0.45:
        return Not(random_condition(random, depth - 1))
    parts = tuple(random_condition(random, depth - 1) for _ in range(random.randint(1, 4)))
    return AllOf(parts) if drawn < 0.75 else AnyOf(parts)


def random_items(random: Random, depth: int) -> Items:
    """Return a condition on the articles, their fields being those facts that are no lists."""
    quantifier: Any = random.choice(["any_item", "every_item", "no_item"])
    return Items(quantifier, "items", random_where(random, depth), random.choice([None, "match", "no_match"]))


def random_where(random: Random, depth: int) -> Condition:
    """Return a condition on one item."""
    if depth <= 0 or random.random() < 0.5:
        return random_leaf(random, FIELDS)
    parts = tuple(random_where(random, depth - 1) for _ in range(random.randint(1, 3)))
    return random.choice([AllOf(parts), AnyOf(parts), Not(parts[0])])


def random_leaf(random: Random, pools: Mapping[str, tuple[str, tuple[Value, ...]]] = POOLS) -> Leaf:
    """Return a leaf with any operator its fact has, and any answer for an absent fact."""
    fact, (kind, pool) = random.choice(list(pools.items()))
    op = random.choice([op for op, operator in OPERATORS.items() if kind in operator.types])
    others = [name for name, (type_, _) in pools.items() if type_ == kind and name != fact]
    if_missing = random.choice([None, "match", "no_match"])
    if op in BETWEEN_FACTS and others and random.random() < 0.2:
        return Leaf(fact, op, (), if_missing, other_fact=random.choice(others))
    arity, pool = OPERATORS[op].arity, MEMBERS if kind == "text_list" else pool
    if op == "contains_all":  # of many members, it would never be true
        pool = MEMBERS[:3]
    count = random.randint(1, len(pool)) if arity is None else arity
    drawn: list[Any] = random.sample(pool, count)
    if kind == "text" and op in ("starts_with", "contains"):
        drawn = [random_part(random, drawn[0], from_start=op == "starts_with")]
    return Leaf(fact, op, tuple(drawn), if_missing)


def random_part(random: Random, text: str, *, from_start: bool) -> str:
    """Return a part of a text, or one character too many."""
    start = 0 if from_start else random.randint(0, len(text))
    return text[start : random.randint(start, len(text))] + random.choice(["", "", "", "x"])
