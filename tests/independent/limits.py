"""What limits leave of conversions, worked out from the design's words alone. It shares no code with the product, and no
thought of speed: each time, everything that was paid before is added up again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

D = Decimal
CENT = D("0.01")


@dataclass(frozen=True)
class Deal:
    """A contract: whose, in which zone its windows are, when it began, and its limits as they are written."""

    partner: str
    zone: str
    began: date
    limits: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Sale:
    """A conversion: its program and deal, and the amounts that are due for it, not yet rounded."""

    id: str
    program: str
    deal: str
    at: datetime
    customer: str
    due: tuple[Decimal, ...]


@dataclass
class Paid:
    """What became of a sale: lines that are paid, or why none is; and the limits that it lies beyond."""

    sale: Sale
    outcome: str = "rated"
    lines: list[Decimal] = field(default_factory=list)
    beyond: set[str] = field(default_factory=set)
    reached: list[str] = field(default_factory=list)


def decided(sales: Iterable[Sale], deals: Mapping[str, Deal]) -> list[Paid]:
    """Return what becomes of all sales, in order of time, id and program."""
    found: list[Paid] = []
    for sale in sorted(sales, key=lambda one: (one.at, one.id, one.program)):
        found.append(_decide(sale, deals, found))
    return found


def _decide(sale: Sale, deals: Mapping[str, Deal], before: Sequence[Paid]) -> Paid:
    lines = [amount.quantize(CENT, ROUND_HALF_UP) for amount in sale.due]
    result = Paid(sale)
    while True:
        instead = _pass(sale, lines, deals, before, result)
        if instead is None:
            return result
        lines = [D(instead).quantize(CENT, ROUND_HALF_UP)]


def _pass(
    sale: Sale, lines: list[Decimal], deals: Mapping[str, Deal], before: Sequence[Paid], result: Paid
) -> str | None:
    """Let the limits look at lines one after the other; return what is paid instead, if a fallback is taken."""
    reached: list[str] = []
    for limit in deals[sale.deal].limits:
        if limit["id"] in result.beyond:
            continue
        most, over = D(limit["max"]), limit["over"]
        used = _used(sale, limit, deals, before)
        if over == "partial":
            # cent by cent, the first lines first; what is taken back makes room
            left = (most - used).quantize(CENT, ROUND_FLOOR) - sum((line for line in lines if line < 0), D(0))
            for place, line in enumerate(lines):
                if line > 0:
                    lines[place] = min(line, max(left, D(0)))
                    left -= lines[place]
                    reached += [limit["id"]] * (lines[place] != line)
            continue
        if limit["measure"] == "count":
            fits = all(line <= 0 for line in lines) or used + 1 <= most
        else:
            fits = sum(lines, D(0)) <= 0 or used + sum(lines, D(0)) <= most
        if fits:
            continue
        if isinstance(over, Mapping):
            result.beyond.add(limit["id"])
            result.reached.append(limit["id"])
            return str(over["fallback"]["flat"])
        reached.append(limit["id"])
        if over in ("reject", "hold"):
            result.outcome, result.lines = {"reject": "ineligible", "hold": "held"}[over], []
            result.reached += reached
            return None
        lines = [D(0)] * len(lines)
    result.lines = lines
    result.reached += reached
    return None


def _used(sale: Sale, limit: Mapping[str, Any], deals: Mapping[str, Deal], before: Sequence[Paid]) -> Decimal:
    mine = deals[sale.deal]
    used = D(0)
    for paid in before:
        other = paid.sale
        same = {
            "contract": other.deal == sale.deal,
            "partner": deals[other.deal].partner == mine.partner,
            "customer": other.deal == sale.deal and other.customer == sale.customer,
        }[limit["per"]]
        if limit["window"] == "event" or not same or paid.outcome != "rated":
            continue
        if window(limit["window"], other.at, mine) != window(limit["window"], sale.at, mine):
            continue
        # What a fallback paid lies beyond its limit, which the contracts of one partner share when they name it alike. A
        # limit without a fallback is on all that was paid.
        if isinstance(limit["over"], Mapping) and limit["id"] in paid.beyond:
            continue
        used += sum(paid.lines, D(0)) if limit["measure"] == "amount" else any(line > 0 for line in paid.lines)
    return used


def window(name: str, at: datetime, deal: Deal) -> Any:
    """Return what tells one window from another: the local day, the week of its year, and so on."""
    day = at.astimezone(ZoneInfo(deal.zone)).date()
    year = day.year - deal.began.year - ((day.month, day.day) < _anniversary(deal.began, day.year))
    return {
        "day": day,
        "week": day.isocalendar()[:2],
        "month": (day.year, day.month),
        "quarter": (day.year, (day.month - 1) // 3),
        "contract_year": year,
        "contract": 0,
    }[name]


def _anniversary(began: date, year: int) -> tuple[int, int]:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (2, 28) if (began.month, began.day) == (2, 29) and not leap else (began.month, began.day)
