"""One decision table in three languages, and conversions to decide with it: our rules, zen's table, rule-engine's texts.

A row is five tests. Its values are those that all three hold exactly: amounts are whole quarters (zen and rule-engine
compute with other decimals than ours), dates are days since 1970 for zen, which has no date, and every fact is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

SEED = 19970702
FIRST_DAY, DAYS = date(2024, 1, 1), 366
COUNTRIES = ("US", "CA", "MX", "GB", "DE", "FR", "JP", "BR")
DEVICES = ("ctv", "desktop", "mobile", "tablet", "other")
FACTS = ("country", "order_value", "device_type", "quantity", "is_new_customer", "signup_on")


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: what each of five facts must be. Ranges include both ends."""

    id: str
    countries: tuple[str, ...]
    order_value: tuple[int, int]  # in quarters of the currency's unit
    devices: tuple[str, ...]
    at_least: int
    is_new_customer: bool | None  # None: the last test is the date
    signup_from: date


@dataclass(frozen=True, slots=True)
class Order:
    """One conversion's facts as each engine's callers hold them."""

    sent: Mapping[str, Any]  # as our API takes them
    for_zen: Mapping[str, Any]
    for_rule_engine: Mapping[str, Any]


def table(rows: int, version: int = 0) -> tuple[Row, ...]:
    """Return a decision table, the same for the same number of rows and version."""
    random = Random(SEED + rows + 1_000_000 * version)
    return tuple(_row(random, number) for number in range(rows))


def wide_table(rows: int) -> tuple[Row, ...]:
    """Return a decision table of which most rows are true at once."""
    random = Random(SEED + rows)
    return tuple(_wide_row(random, number) for number in range(rows))


def orders(count: int) -> tuple[Order, ...]:
    """Return conversions that differ from each other; the same for the same count."""
    random = Random(SEED)
    return tuple(_order(random) for _ in range(count))


def _row(random: Random, number: int) -> Row:
    low = random.randrange(0, 1200)
    return Row(
        id=f"row-{number}",
        countries=tuple(random.sample(COUNTRIES, 1 + number % 4)),
        order_value=(low, low + random.randrange(400, 1600)),
        devices=tuple(random.sample(DEVICES, 1 + number % 3)),
        at_least=random.randrange(1, 4),
        is_new_customer=random.choice([True, False]) if number % 2 else None,
        signup_from=FIRST_DAY + timedelta(days=random.randrange(DAYS // 2)),
    )


def _wide_row(random: Random, number: int) -> Row:
    return Row(
        id=f"row-{number}",
        countries=tuple(random.sample(COUNTRIES, len(COUNTRIES) - 1)),
        order_value=(random.randrange(0, 200), random.randrange(1800, 2000)),
        devices=tuple(random.sample(DEVICES, len(DEVICES) - 1)),
        at_least=1,
        is_new_customer=None,
        signup_from=FIRST_DAY + timedelta(days=random.randrange(DAYS // 10)),
    )


def _order(random: Random) -> Order:
    quarters, day = random.randrange(2000), FIRST_DAY + timedelta(days=random.randrange(DAYS))
    same: dict[str, Any] = {
        "country": random.choice(COUNTRIES),
        "device_type": random.choice(DEVICES),
        "quantity": random.randrange(1, 6),
        "is_new_customer": random.random() < 0.5,
    }
    return Order(
        sent={**same, "order_value": f"{quarters / 4:.2f}", "signup_on": day.isoformat()},
        for_zen={**same, "order_value": quarters / 4, "signup_on": _days(day)},
        for_rule_engine={**same, "order_value": quarters / 4, "signup_on": day},
    )


def payout_body(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the table as a payout of ours: every row that is true pays a cent."""
    return {
        "kind": "payout",
        "on": "conversion",
        "hit": "sum",
        "rules": [{"id": row.id, "when": {"all": _leaves(row)}, "then": {"flat": "0.01"}} for row in rows],
        "otherwise": {"flat": "0"},
    }


def _leaves(row: Row) -> list[dict[str, Any]]:
    low, high = (f"{quarters / 4:.2f}" for quarters in row.order_value)
    return [
        _one_of("country", row.countries),
        {"fact": "order_value", "op": "between", "value": [low, high]},
        _one_of("device_type", row.devices),
        {"fact": "quantity", "op": "gte", "value": row.at_least},
        {"fact": "signup_on", "op": "gte", "value": row.signup_from.isoformat()}
        if row.is_new_customer is None
        else {"fact": "is_new_customer", "op": "eq", "value": row.is_new_customer},
    ]


def _one_of(fact: str, values: tuple[str, ...]) -> dict[str, Any]:
    if len(values) == 1:
        return {"fact": fact, "op": "eq", "value": values[0]}
    return {"fact": fact, "op": "in", "value": list(values)}


def zen_graph(rows: Iterable[Row], hit_policy: str) -> dict[str, Any]:
    """Return the table as a JDM graph: input, one decision table, output."""
    table_of = {
        "hitPolicy": hit_policy,
        "inputs": [{"id": fact, "name": fact, "field": fact} for fact in FACTS],
        "outputs": [{"id": "row", "name": "row", "field": "row"}],
        "rules": [{"_id": row.id, **_zen_cells(row), "row": f"'{row.id}'"} for row in rows],
    }
    return {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "content": {}},
            {"id": "table", "type": "decisionTableNode", "name": "table", "content": table_of},
            {"id": "out", "type": "outputNode", "name": "out", "content": {}},
        ],
        "edges": [
            {"id": "first", "type": "edge", "sourceId": "in", "targetId": "table"},
            {"id": "second", "type": "edge", "sourceId": "table", "targetId": "out"},
        ],
    }


def _zen_cells(row: Row) -> dict[str, str]:
    low, high = (quarters / 4 for quarters in row.order_value)
    last = (
        {"signup_on": f">= {_days(row.signup_from)}", "is_new_customer": ""}
        if row.is_new_customer is None
        else {"is_new_customer": str(row.is_new_customer).lower(), "signup_on": ""}
    )
    return {
        "country": ", ".join(f"'{country}'" for country in row.countries),
        "order_value": f"[{low}..{high}]",
        "device_type": ", ".join(f"'{device}'" for device in row.devices),
        "quantity": f">= {row.at_least}",
        **last,
    }


def rule_engine_text(row: Row) -> str:
    """Return a row as an expression of rule-engine."""
    low, high = (quarters / 4 for quarters in row.order_value)
    last = (
        f'signup_on >= d"{row.signup_from.isoformat()}"'
        if row.is_new_customer is None
        else f"is_new_customer == {str(row.is_new_customer).lower()}"
    )
    tests = (
        _any_of("country", row.countries),
        f"order_value >= {low}",
        f"order_value <= {high}",
        _any_of("device_type", row.devices),
        f"quantity >= {row.at_least}",
        last,
    )
    return " and ".join(tests)


def _any_of(fact: str, values: tuple[str, ...]) -> str:
    return f'{fact} == "{values[0]}"' if len(values) == 1 else f"{fact} in [{', '.join(map(_quoted, values))}]"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _days(day: date) -> int:
    return (day - date(1970, 1, 1)).days
