"""What a large world pays, worked out naively from its rule bodies: one conversion after the other, in fractions. It shares
nothing with the engines or with the SQL but the rows and the form of the bodies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.benchmarks.big_terms import Version, bodies_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Paid(NamedTuple):
    """One line: a conversion, the contract and local month that it is paid in, and the cents due and paid."""

    conversion: str
    contract: str
    month: str
    due: int
    paid: int


@dataclass
class Month:
    """What a contract has counted and paid in a month so far."""

    sales: Fraction = field(default_factory=Fraction)
    paid: int = 0


def worked_out(
    conversions: Iterable[Mapping[str, Any]], touches: Iterable[Mapping[str, Any]], versions: Iterable[Version]
) -> list[Paid]:
    """Return the lines of a world in the order in which they fall due."""
    contracts: dict[str, list[tuple[int, str, Any]]] = defaultdict(list)
    for each in versions:
        contracts[each.contract].append((each.since, each.timezone, None if each.is_termination else bodies_of(each)))
    by_conversion: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for touch in touches:
        by_conversion[touch["row_number"]].append(touch)
    months: dict[tuple[str, str], Month] = defaultdict(Month)
    orders: set[str] = set()
    found = []
    for one in sorted(conversions, key=lambda each: (each["event_at"], each["id"])):
        if one["order_id"] in orders:
            continue
        if one["order_id"] is not None:
            orders.add(one["order_id"])
        line = _line(one, by_conversion[one["row_number"]], contracts, months)
        if line is not None:
            found.append(line)
    return found


def _line(
    one: Mapping[str, Any],
    touches: list[Mapping[str, Any]],
    contracts: Mapping[str, list[tuple[int, str, Any]]],
    months: dict[tuple[str, str], Month],
) -> Paid | None:
    counting = [
        touch for touch in touches if _counts(touch, one, _bodies(contracts[touch["partner"]], one["event_at"]))
    ]
    if not counting:
        return None
    latest = max(touch["touched_at"] for touch in counting)
    last = min((t for t in counting if t["touched_at"] == latest), key=lambda t: (t["type"] == "view", t["id"]))
    contract = last["partner"]
    bodies = _bodies(contracts[contract], one["event_at"])
    if not all(_holds(leaf, one) for leaf in bodies["eligibility"]["rules"][0]["when"]["all"]):
        return None
    zone = ZoneInfo(contracts[contract][0][1])
    name = f"{(_EPOCH + timedelta(microseconds=one['event_at'])).astimezone(zone):%Y-%m}"
    month = months[contract, name]
    sale = Fraction(one["order_value"], 10**6)
    tiers = bodies["payout"]["rules"][0]["then"]["tiers"]["steps"]
    due = _rounded((_price(tiers, month.sales + sale) - _price(tiers, month.sales)) * 100)
    left = int(Fraction(bodies["payout"]["limits"][0]["max"]) * 100) - month.paid
    paid = min(due, max(left, 0))
    month.sales += sale
    month.paid += paid
    return Paid(one["id"], contract, name, due, paid)


def _bodies(versions: list[tuple[int, str, Any]], at: int) -> Any:
    """Return the bodies in force at an instant, None without terms."""
    found = None
    for since, _, bodies in sorted(versions, key=lambda version: version[0]):
        if since <= at:
            found = bodies
    return found


def _counts(touch: Mapping[str, Any], one: Mapping[str, Any], bodies: Any) -> bool:
    if bodies is None:
        return False
    rule = next(rule for rule in bodies["attribution"]["qualify"] if rule["id"] == touch["type"])
    window = rule["when"]["all"][1]["value"]
    length = timedelta(days=int(window[1:-1])) if window.endswith("D") else timedelta(hours=int(window[2:-1]))
    return timedelta(0) <= timedelta(microseconds=one["event_at"] - touch["touched_at"]) < length


def _holds(leaf: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    value = one[leaf["fact"]]
    if value is None:
        return False
    match leaf["op"]:
        case "in":
            return value in leaf["value"]
        case "gte":
            return Fraction(value, 10**6) >= Fraction(leaf["value"])
        case "eq":
            return bool(value == leaf["value"])
    raise ValueError(f"unknown operator {leaf['op']}")


def _price(steps: list[Mapping[str, Any]], sales: Fraction) -> Fraction:
    price, low = Fraction(0), Fraction(0)
    for step in steps:
        top = sales if step["up_to"] is None else min(sales, Fraction(step["up_to"]))
        price += max(top - low, Fraction(0)) * Fraction(step["unit"]) / 100
        low = low if step["up_to"] is None else Fraction(step["up_to"])
    return price


def _rounded(cents: Fraction) -> int:
    """Round what is not negative to whole cents, half a cent away from zero."""
    return int(cents + Fraction(1, 2))
