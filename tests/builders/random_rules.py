"""Draws rule sets and facts that meet each other often: few values per fact, and values next to those rules test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.engine.matcher import Facts, RuleConditions
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not, Value
from app.rulelang.operators import BETWEEN_FACTS, OPERATORS
from tests.builders.conditions import rules


@dataclass(frozen=True)
class Pool:
    """What one fact may be, and what rules compare it with: of a list its `members`, of records their `fields`. `more`
    are values for lists that are too long to be compared one by one."""

    kind: str
    values: tuple[Value, ...] = ()
    members: tuple[Value, ...] = ()
    fields: Mapping[str, Pool] = field(default_factory=dict)
    more: tuple[Value, ...] = ()


Pools = Mapping[str, Pool]

INSTANT = datetime(1997, 7, 2, 14, tzinfo=UTC)
LISTS = ((), ("a",), ("b",), ("ab",), ("a", "b"), ("b", "a", "c"), ("a", "a"), ("",), ("c", "é"))
POOLS: Pools = {
    "country": Pool("text", ("US", "CA", "MX", "", "U", 'U"S', "U\\", "日本")),
    "coupon": Pool("text", tuple(f"C{n}" for n in range(12))),
    "value": Pool(
        "decimal", tuple(Decimal(n) for n in ("-1", "0", "0.000001", "99.999999", "100", "100.000001", "4e11"))
    ),
    "quantity": Pool("integer", (-1, 0, 1, 2, 2**53, 2**53 + 1, 2**62 - 1, 1 - 2**62)),
    "hour": Pool("integer", tuple(range(12))),
    "fee": Pool("decimal", tuple(Decimal(n) for n in ("0", "100", "1e2", "0.000001"))),
    "home": Pool("text", ("US", "CA", "us", "", "日本")),
    "trial": Pool("boolean", (True, False)),
    "day": Pool("date", tuple(date(2024, 2, 28) + timedelta(days=n) for n in range(4))),
    "joined": Pool("date", tuple(date(2024, 2, 27) + timedelta(days=n) for n in range(4))),
    "seen": Pool("instant", tuple(INSTANT + timedelta(microseconds=n) for n in range(-2, 3))),
    "visit": Pool("duration", tuple(timedelta(hours=1, microseconds=n) for n in range(-2, 3))),
    "tags": Pool("text_list", LISTS, (*"abcdefghi", "", "ab", "é")),
}
FIELDS = {name: POOLS[name] for name in ("country", "value", "fee", "quantity", "trial", "joined", "day")}
SHOP: Pools = {**POOLS, "items": Pool("records", fields=FIELDS)}


def random_set(random: Random, most_rules: int = 8) -> RuleConditions:
    """Return a rule set of at least one rule."""
    return rules({f"rule {n}": random_condition(random) for n in range(random.randint(1, most_rules))})


def random_facts(random: Random, pools: Pools = SHOP) -> Facts:
    """Return facts of which a third is absent, and of records up to three items."""
    return {name: _random_value(random, pool) for name, pool in pools.items() if random.random() > 0.33}


def _random_value(random: Random, pool: Pool) -> Value:
    if pool.kind != "records":
        return random.choice(pool.values)
    items: Any = tuple(random_facts(random, pool.fields) for _ in range(random.randint(0, 3)))
    return items  # type: ignore[no-any-return]


def random_condition(random: Random, depth: int = 3, pools: Pools = SHOP) -> Condition:
    """Return a condition with groups up to a depth."""
    drawn = random.random()
    if depth == 0 or drawn < 0.3:
        return random_leaf(random, pools)
    if drawn < 0.32:
        return Always()
    if drawn < 0.38:
        return random_items(random, depth - 1, pools)
    if drawn < 0.45:
        return Not(random_condition(random, depth - 1, pools))
    parts = tuple(random_condition(random, depth - 1, pools) for _ in range(random.randint(1, 4)))
    return AllOf(parts) if drawn < 0.75 else AnyOf(parts)


def random_items(random: Random, depth: int, pools: Pools) -> Condition:
    """Return a condition on the items of a list of records, or a leaf where there is none."""
    lists = [name for name, pool in pools.items() if pool.kind == "records"]
    if not lists:
        return random_leaf(random, pools)
    name, quantifier = random.choice(lists), random.choice(["any_item", "every_item", "no_item"])
    where = random_where(random, depth, pools[name].fields)
    return Items(quantifier, name, where, random.choice([None, "match", "no_match"]))  # type: ignore[arg-type]


def random_where(random: Random, depth: int, fields: Pools) -> Condition:
    """Return a condition on one item."""
    if depth <= 0 or random.random() < 0.5:
        return random_leaf(random, fields)
    parts = tuple(random_where(random, depth - 1, fields) for _ in range(random.randint(1, 3)))
    return random.choice([AllOf(parts), AnyOf(parts), Not(parts[0])])


def random_leaf(random: Random, pools: Pools) -> Leaf:
    """Return a leaf with any operator its fact has, and any answer for an absent fact."""
    fact, pool = random.choice(list(pools.items()))
    op = random.choice([op for op, operator in OPERATORS.items() if pool.kind in operator.types])
    others = [name for name, other in pools.items() if other.kind == pool.kind and name != fact]
    if_missing: Any = random.choice([None, "match", "no_match"])
    if op in BETWEEN_FACTS and others and random.random() < 0.2:
        return Leaf(fact, op, (), if_missing, other_fact=random.choice(others))
    return Leaf(fact, op, tuple(_random_expected(random, op, pool)), if_missing)


def _random_expected(random: Random, op: str, pool: Pool) -> list[Any]:
    arity, values = OPERATORS[op].arity, pool.members or pool.values
    if op == "contains_all":  # of many members, it would never be true
        values = values[:3]
    most = arity if arity is not None else random.randint(1, len(values))
    drawn: list[Any] = random.sample(values, min(most, len(values)))
    while len(drawn) < (arity or 0):
        drawn.append(drawn[0])
    if arity is None and pool.more and random.random() < 0.1:
        drawn.extend(pool.more)
    if pool.kind == "text" and op in ("starts_with", "contains"):
        drawn = [random_part(random, drawn[0], from_start=op == "starts_with")]
    return drawn


def random_part(random: Random, text: str, *, from_start: bool) -> str:
    """Return a part of a text, or one character too many."""
    start = 0 if from_start else random.randint(0, len(text))
    return text[start : random.randint(start, len(text))] + random.choice(["", "", "", "x"])
