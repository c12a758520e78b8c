"""Draws contracts in which tiers count what limits let through: graduated and volume tables over windows under every kind of
limit, of a customer and of all, in versions that carry counters on or begin anew."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from app.adapters.fact_files import shipped_catalogue
from app.bulk.pipeline.world import World
from app.engine.terms import TermsHistory
from tests.builders.terms import history

WINDOWS = ("day", "week", "month", "quarter", "contract_year", "contract")
AMOUNTS = ("0", "0.5", "1.25", "2", "7.995")


def entangled(random: Random, contracts: int, **more: Any) -> World:
    """Return such contracts, which sales come near to the cent."""
    histories = {f"p{number}": _contract(random, f"p{number}") for number in range(contracts)}
    return World("shop", "USD", shipped_catalogue(), histories, **more)


def _contract(random: Random, name: str) -> TermsHistory:
    windows = random.sample(WINDOWS, 2)
    starts = ("1997-01-01", "1997-02-10", "1997-03-05")[: random.randint(1, 3)]
    versions = [
        {"effective_from": start, "rules": {"payout": _payout(random, windows, is_first=not at)}}
        for at, start in enumerate(starts)
    ]
    found = history(versions)
    party = replace(found.contract, id=name, partner=name, rounding=random.choice(("half_away", "half_even")))
    return TermsHistory(party, [span.version for span in found.spans], found.as_of)


def _payout(random: Random, windows: list[str], *, is_first: bool) -> dict[str, Any]:
    many = {"fact": "order_value", "op": "gte", "value": "5"}
    rules = [{"id": "large", "when": many, "then": _formula(random, windows)}] if random.random() < 0.5 else []
    bonus = {"id": "second", "when": {"fact": "discount", "op": "exists"}, "then": {"amount": "discount"}}
    more = {} if is_first or random.random() < 0.5 else {"counters": random.choice(("carry", "restart"))}
    return {
        "hit": random.choice(("first", "sum")),
        "rules": rules,
        "otherwise": _formula(random, windows),
        "bonuses": [bonus] if random.random() < 0.5 else [],
        "limits": [_limit(random, at) for at in range(random.randint(0, 3))],
        **more,
    }


def _formula(random: Random, windows: list[str]) -> dict[str, Any]:
    tiers = {"tiers": _tiers(random, windows)}
    kinds: list[dict[str, Any]] = [tiers, tiers, {"sum": [tiers, {"flat": random.choice(AMOUNTS)}]}]
    return random.choice([*kinds, {"amount": "order_value"}])


def _tiers(random: Random, windows: list[str]) -> dict[str, Any]:
    by: dict[str, Any] = random.choice(({"count": True}, {"sum": "order_value"}, {"sum": "quantity"}))
    ends = ("3", "8") if by != {"sum": "order_value"} else ("10", "31.5")
    steps = [{"up_to": end, "unit": random.choice(AMOUNTS), "flat": random.choice(AMOUNTS)} for end in ends]
    rate = random.choice(("percent", "per_unit")) if by == {"sum": "order_value"} else "per_unit"
    return {
        "mode": random.choice(("graduated", "volume", "volume")),
        "by": by,
        "window": random.choice(windows),
        "rate": rate,
        "steps": [*steps, {"up_to": None, "unit": random.choice(AMOUNTS)}],
    }


def _limit(random: Random, number: int) -> dict[str, Any]:
    measure = random.choice(("amount", "amount", "count"))
    formula = random.choice(({"flat": "0.25"}, {"amount": "discount"}, {"flat": "6"}))
    overs: list[Any] = ["zero", "reject", "reject", "hold", {"fallback": formula}]
    most = ("5", "10.00", "20", "31.01") if measure == "amount" else ("1", "3", "6")
    return {
        "id": f"l{number}",
        "measure": measure,
        "per": random.choice(("contract", "contract", "customer")),
        "window": random.choice(("event", *WINDOWS)),
        "max": random.choice(most),
        "over": random.choice([*overs, "partial"] if measure == "amount" else overs),
    }
