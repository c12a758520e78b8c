"""What deliveries must pay, worked out naively from everything that is known at the end: no counters, no sweep, no order of
arrival, fractions instead of decimals. It shares nothing with the engine but the form of the terms.

A history is a contract in UTC and USD from 1 March 2027 on with one cpm for each placement (another one from a day on), terms
as they are written, a monthly cap on everything that is paid, and what came in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

Cents = int


@dataclass
class History:
    """Everything that the amounts depend on. `today` is the local day, some time within it."""

    terms: dict[str, Any]
    prices: dict[str, str]
    later_prices: dict[str, str]
    changes_on: date
    cap: str | None
    today: date
    counts: list[tuple[date, str, str, int, dict[str, int]]] = field(default_factory=list)
    make_goods: list[tuple[str, date, str, int, str]] = field(default_factory=list)
    credits: list[tuple[str, date, str]] = field(default_factory=list)


def worked_out(history: History) -> dict[date, dict[str, Cents]]:
    """Return the cents of each line that is not zero, by day and rule; a rule that is paid nothing is left out."""
    paid: dict[date, dict[str, Cents]] = {}
    for day in every_day(history):
        lines = {rule: rounded(amount) for rule, amount in due(history, day).items()}
        for name, booked, amount in history.credits:
            if booked == day:
                lines[f"credit:{name}"] = -rounded(Fraction(amount))
        billed_before = sum(
            cents
            for earlier, found in paid.items()
            for rule, cents in found.items()
            if earlier < day and same_month(earlier, day) and ":" not in rule and rule != "minimum_guarantee"
        )
        lines = capped(history, paid, day, lines)
        guarantee = history.terms.get("minimum_guarantee")
        if guarantee and is_last_of_month(day) and day < history.today:
            billed = sum(cents for rule, cents in lines.items() if ":" not in rule)
            missing = rounded(Fraction(guarantee["amount"])) - billed_before - billed
            if missing > 0:
                top = capped(history, {**paid, day: lines}, day, {"minimum_guarantee": missing})
                lines |= top
        paid[day] = {rule: cents for rule, cents in lines.items() if cents}
    return {day: lines for day, lines in paid.items() if lines}


def every_day(history: History) -> list[date]:
    days = {day for day, *_ in history.counts} | {booked for _, booked, _ in history.credits}
    if history.terms.get("minimum_guarantee"):
        first = date(2027, 3, 1)
        days |= {day for n in range((history.today - first).days) if is_last_of_month(day := first + timedelta(n))}
    return sorted(days)


def due(history: History, day: date) -> dict[str, Fraction]:
    """Return what each rule comes to on a day before it is rounded."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    prices = history.prices if day < history.changes_on else history.later_prices
    for placement, quantity in sorted(valid(history, day).items()):
        flight = flight_of(history, day, placement)
        if flight is None:
            continue
        extra: dict[str, Fraction] = defaultdict(Fraction)
        quantity = take_make_goods(history, day, placement, quantity, extra)
        at_rules, overage = split(history, flight, day, placement, quantity)
        found[placement] += Fraction(prices[placement]) * at_rules / 1000
        if overage:
            found["overage"] += Fraction(history.terms["overage_cpm"]) * overage / 1000
        found.update(extra)
    return found


def take_make_goods(history: History, day: date, placement: str, quantity: int, found: dict[str, Fraction]) -> int:
    for name, booked, where, most, cpm in sorted(history.make_goods):
        if (booked, where) == (day, placement):
            extra = min(most, quantity)
            found[f"make_good:{name}"] += Fraction(cpm) * extra / 1000
            quantity -= extra
    return quantity


def split(history: History, flight: dict[str, Any], day: date, placement: str, quantity: int) -> tuple[int, int]:
    basis = history.terms.get("basis", "delivered")
    if basis == "delivered":
        return quantity, 0
    contracted = int(flight.get("contracted", history.terms.get("contracted", 0)))
    before = 0
    for other in sorted({each for each, *_ in history.counts if each <= day}):
        for where, counted in valid(history, other).items():
            if (other, where) < (day, placement) and flight_of(history, other, where) == flight:
                before += take_make_goods(history, other, where, counted, defaultdict(Fraction))
    at_rules = min(quantity, max(contracted - before, 0))
    return at_rules, quantity - at_rules if basis == "contracted_plus_overage" else 0


def flight_of(history: History, day: date, placement: str) -> dict[str, Any] | None:
    if "flights" not in history.terms:
        return {}
    for flight in history.terms["flights"]:
        if flight["from"] <= day.isoformat() < flight["to"] and placement in flight.get("placements", [placement]):
            return flight
    return None


def valid(history: History, day: date) -> dict[str, int]:
    """Return what is left of each placement's agreed count after deductions; what is held is not in it."""
    newest: dict[str, dict[str, tuple[int, dict[str, int]]]] = defaultdict(dict)
    for when, placement, source, revision, facts in history.counts:
        if when == day and revision > newest[placement].get(source, (0, {}))[0]:
            newest[placement][source] = revision, facts
    found: dict[str, int] = {}
    for placement, by_source in newest.items():
        facts = agreed(history, day, {source: facts for source, (_, facts) in by_source.items()})
        if facts is not None and (left := after_deductions(history, facts)) is not None:
            found[placement] = left
    return found


def agreed(history: History, day: date, counted: dict[str, dict[str, int]]) -> dict[str, int] | None:
    sources = history.terms.get("sources")
    if sources is None:
        return next(iter(counted.values())) if len(counted) == 1 else None
    truth, other = counted.get(sources["truth"]), counted.get(sources["other"])
    if truth is not None and other is not None:
        low, high = sorted([truth["impressions"], other["impressions"]])
        if high == 0 or Fraction(high - low, high) <= Fraction(sources["tolerance"]):
            return truth
    if history.today > day + timedelta(sources["deadline_days"]):
        return counted.get(sources["fallback"]) or truth or other
    return None


def after_deductions(history: History, facts: dict[str, int]) -> int | None:
    deduct = history.terms.get("deduct", {})
    left = facts["impressions"]
    if deduct.get("invalid"):
        if "invalid" not in facts:
            return None
        left -= facts["invalid"]
    share = deduct.get("not_viewable", False)
    if share is not False:
        if "viewable" not in facts:
            return None
        seen = min(facts["viewable"], left)
        if share is True or seen < Fraction(share) * left:
            left = seen
    return left


def capped(
    history: History, paid: dict[date, dict[str, Cents]], day: date, lines: dict[str, Cents]
) -> dict[str, Cents]:
    if history.cap is None:
        return lines
    so_far = sum(sum(found.values()) for other, found in paid.items() if same_month(other, day) and other <= day)
    left = rounded(Fraction(history.cap)) - so_far - sum(cents for cents in lines.values() if cents < 0)
    found = {}
    for rule, cents in lines.items():
        found[rule] = min(cents, max(left, 0))
        left -= max(found[rule], 0)
    return found


def same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)


def is_last_of_month(day: date) -> bool:
    return not same_month(day, day + timedelta(1))


def rounded(amount: Fraction) -> Cents:
    """Return whole cents, half away from zero; nothing here is negative."""
    return int((2 * amount * 100 + 1) // 2)
