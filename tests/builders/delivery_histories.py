"""Random histories of deliveries, and how the product is told them: in any order, in any portions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from app.conversions.day_repository import day_records
from app.conversions.operations.settle_program import settle_program
from app.core.clock import frozen_at
from app.deliveries.operations.adjust_deliveries import adjust_deliveries
from app.deliveries.operations.receive_deliveries import receive_deliveries
from app.runtime import Context, Runtime
from app.scenarios.setting import AUTHOR, agree, create_agreement, create_stage
from tests.builders.delivery_oracle import History

FIRST = date(2027, 3, 1)
PLACEMENTS = ("a", "b", "c")
ANYTHING = {
    "eligibility": {"rules": [], "otherwise": "accept"},
    "attribution": {"claims": "accept"},
}
Happening = Callable[[Context], Any]


def random_history(random: Random) -> History:
    """Return a history in which everything that terms can say is said now and then."""
    days = [FIRST + timedelta(random.choice((0, 1, 2, 3, 29, 30, 31, 32))) for _ in range(4)]
    last = max(days)
    history = History(
        terms=random_terms(random),
        prices={placement: random.choice(("0.333", "2.50", "9.999", "17")) for placement in PLACEMENTS},
        later_prices={placement: random.choice(("1.005", "3", "0")) for placement in PLACEMENTS},
        changes_on=FIRST + timedelta(random.choice((2, 30, 400))),
        cap=random.choice((None, None, "12.34", "60.00")),
        today=last + timedelta(random.choice((0, 1, 3, 4, 40))),
    )
    for day in days:
        for placement in random.sample(PLACEMENTS, random.choice((1, 2, 3))):
            for source in random.choice((("adserver",), ("adserver", "partner"), ("partner",))):
                for revision in random.sample((1, 2, 3, 7), random.choice((1, 1, 2))):
                    counted = random_facts(random)
                    if not any(known[:4] == (day, placement, source, revision) for known in history.counts):
                        history.counts.append((day, placement, source, revision, counted))
    for number in range(random.choice((0, 0, 1, 3))):
        impressions, cpm = random.choice((10, 500, 5000)), random.choice(("0", "1.11"))
        good = (f"g{number}", random.choice(days), random.choice(PLACEMENTS), impressions, cpm)
        history.make_goods.append(good)
    for number in range(random.choice((0, 0, 1))):
        history.credits.append((f"k{number}", random.choice(days), random.choice(("0.01", "7.50"))))
    return history


def random_terms(random: Random) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "basis": random.choice(("delivered", "delivered_up_to_contracted", "contracted_plus_overage"))
    }
    if terms["basis"] != "delivered":
        terms["contracted"] = str(random.choice((0, 1500, 4000)))
        if random.random() < 0.5:
            terms["flights"] = [
                {"id": "f1", "from": "2027-03-01", "to": "2027-03-03", "placements": ["a", "b"]},
                {"id": "f2", "from": "2027-03-02", "to": "2027-04-02", "contracted": "2222", "placements": ["c"]},
                {"id": "f3", "from": "2027-03-03", "to": "2027-04-01", "placements": ["a", "b"]},
            ]
    if terms["basis"] == "contracted_plus_overage":
        terms["overage_cpm"] = random.choice(("0.5", "1.75"))
    if random.random() < 0.6:
        tolerance = random.choice(("0", "0.05", "0.10", "1"))
        terms["sources"] = {"truth": "adserver", "other": "partner", "tolerance": tolerance}
        terms["sources"] |= {"fallback": random.choice(("adserver", "partner")), "deadline_days": 3}
    if random.random() < 0.4:
        viewable = random.choice((False, True, "0.5"))
        terms["deduct"] = {"invalid": random.random() < 0.5, "not_viewable": viewable}
    if random.random() < 0.4:
        terms["minimum_guarantee"] = {"amount": random.choice(("10.00", "55.55")), "window": "month"}
    return terms


def random_facts(random: Random) -> dict[str, int]:
    impressions = random.choice((0, 900, 950, 1000, 1001, random.randint(0, 3000)))
    facts = {"impressions": impressions}
    if random.random() < 0.8:
        facts["invalid"] = random.randint(0, impressions)
    if random.random() < 0.8:
        facts["viewable"] = random.randint(0, impressions)
    return facts


def told(runtime: Runtime, history: History, random: Random) -> dict[date, dict[str, int]]:
    """Tell the product a history in a random order, and return the cents of each line that is not zero."""
    noon = datetime.combine(history.today, time(12), UTC)
    _do(runtime, datetime(2027, 2, 1, tzinfo=UTC), lambda ctx: _agree(ctx, history))
    portions: list[Happening] = [
        *(_counts(portion) for portion in _portions(_bodies(history), random)),
        *(_adjustment(given) for given in _adjustments(history)),
        lambda ctx: _change_prices(ctx, history),
    ]
    random.shuffle(portions)
    for happening in portions:
        # Nothing can be counted before its day; within the last days the clock may stand anywhere.
        earliest = max(day for day, *_ in history.counts)
        early = datetime.combine(earliest, time(1), UTC)
        at = min(noon, early + timedelta(hours=random.choice((0, 1, 30, 80))))
        _do(runtime, at, happening)
    _do(runtime, noon, lambda ctx: settle_program(ctx, "shop"))
    found: dict[date, dict[str, int]] = {}
    with replace(runtime, clock=frozen_at(noon)).work("reader") as ctx:
        for row in day_records(ctx.session, "shop"):
            lines = {line["rule"]: round(float(line["amount"]) * 100) for line in row.record["lines"]}
            assert row.delivered_on is not None
            if any(lines.values()):
                found[row.delivered_on] = {rule: cents for rule, cents in lines.items() if cents}
    return found


def _do(runtime: Runtime, at: datetime, happening: Happening) -> None:
    with replace(runtime, clock=frozen_at(at)).work(AUTHOR) as ctx:
        happening(ctx)


def _agree(ctx: Context, history: History) -> None:
    create_stage(ctx, {"id": "shop", "currency": "USD", "timezone": "UTC"})
    create_agreement(ctx, "shop", {"id": "acme", "partner": "acme", "versions": []}, set())
    rules = {**ANYTHING, "payout": _payout(history.prices, history.cap)}
    agree(ctx, "acme", {"effective_from": "2027-03-01", "rules": rules, "delivery": history.terms})


def _change_prices(ctx: Context, history: History) -> None:
    start = history.changes_on.isoformat()
    agree(ctx, "acme", {"effective_from": start, "rules": {"payout": _payout(history.later_prices, history.cap)}})


def _payout(prices: dict[str, str], cap: str | None) -> dict[str, Any]:
    rules = [
        {
            "id": placement,
            "when": {"fact": "delivery.placement", "op": "eq", "value": placement},
            "then": {"cpm": price, "of": "delivery.billable"},
        }
        for placement, price in prices.items()
    ]
    limit = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "over": "partial"}
    limits = [] if cap is None else [{**limit, "max": cap}]
    return {"on": "delivery", "hit": "first", "rules": rules, "otherwise": {"hold": "NO_PRICE"}, "limits": limits}


def _bodies(history: History) -> list[dict[str, Any]]:
    return [
        {
            "contract": "acme",
            "delivered_on": day.isoformat(),
            "placement": placement,
            "source": source,
            "revision": revision,
            "facts": facts,
        }
        for day, placement, source, revision, facts in history.counts
    ]


def _portions(bodies: list[dict[str, Any]], random: Random) -> list[list[dict[str, Any]]]:
    shuffled = random.sample(bodies, len(bodies))
    size = random.choice((1, 3, 100))
    return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]


def _counts(bodies: list[dict[str, Any]]) -> Happening:
    def happens(ctx: Context) -> None:
        problems = [receipt.problem for receipt in receive_deliveries(ctx, bodies) if receipt.problem is not None]
        assert problems == []

    return happens


def _adjustments(history: History) -> list[dict[str, Any]]:
    frame = {"contract": "acme", "repairs_on": "2027-03-01", "reason": "It went wrong"}
    goods = [
        {**frame, "id": name, "kind": "make_good", "delivered_on": day.isoformat(), "placement": placement}
        | {"impressions": str(impressions), "cpm": cpm}
        for name, day, placement, impressions, cpm in history.make_goods
    ]
    credits = [
        {**frame, "id": name, "kind": "credit", "delivered_on": day.isoformat(), "amount": amount}
        for name, day, amount in history.credits
    ]
    return [*goods, *credits]


def _adjustment(given: dict[str, Any]) -> Happening:
    return lambda ctx: adjust_deliveries(ctx, **given)
