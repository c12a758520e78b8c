"""Draws limits, and sales that come near them: few customers, few days, amounts that fill what is left to the cent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.independent.limits import Deal, Sale

WINDOWS = ("event", "day", "week", "month", "quarter", "contract_year", "contract")
ZONE = "America/New_York"
HERE = ZoneInfo(ZONE)
BEGAN = date(1996, 2, 29)
# Around the turn of a contract year, of a month and a week, of a quarter (with a day of 23 hours in it), and of a year.
AROUND = [
    datetime(1997, 2, 28, tzinfo=HERE),
    datetime(1997, 4, 6, tzinfo=HERE),
    datetime(1997, 4, 1, tzinfo=HERE),
    datetime(1998, 1, 1, tzinfo=HERE),
    datetime(1997, 6, 30, tzinfo=HERE),
]
AMOUNTS = ("0", "0.004", "0.005", "1", "2.505", "3.40", "5", "7.995", "10", "12")


@st.composite
def limits(draw: st.DrawFn, pers: tuple[str, ...] = ("contract", "customer"), most: int = 3) -> list[dict[str, Any]]:
    """Return up to a few limits, as they are written."""
    return [draw(_limit(number, pers)) for number in range(draw(st.integers(1, most)))]


@st.composite
def _limit(draw: st.DrawFn, number: int, pers: tuple[str, ...]) -> dict[str, Any]:
    measure = draw(st.sampled_from(["amount", "amount", "count"]))
    fallback = {"fallback": {"flat": draw(st.sampled_from(["0.25", "1", "6"]))}}
    overs: list[Any] = ["zero", "reject", "hold", fallback] + ["partial", "partial"] * (measure == "amount")
    return {
        "id": f"l{number}",
        "measure": measure,
        "per": draw(st.sampled_from(pers)),
        "window": draw(st.sampled_from(WINDOWS)),
        "max": draw(st.sampled_from(("0", "5", "10.00", "12.345", "20", "31.01") if measure == "amount" else ("0", "1", "2", "3"))),
        "over": draw(st.sampled_from(overs)),
    }  # fmt: skip


@st.composite
def sales(
    draw: st.DrawFn, deals: tuple[tuple[str, str], ...] = (("shop", "acme"),), most: int = 14, *, refunds: bool = True
) -> list[Sale]:
    """Return sales of (program, deal) pairs, some of them at one instant, with one or two lines, some taking back."""
    found = []
    for number in range(draw(st.integers(2, most))):
        program, deal = draw(st.sampled_from(deals))
        local = draw(st.sampled_from(AROUND)) + timedelta(hours=draw(st.integers(-30, 30)))
        lines = [Decimal(draw(st.sampled_from(AMOUNTS))) for _ in range(draw(st.integers(1, 2)))]
        if refunds and draw(st.integers(0, 5)) == 0:
            lines[-1] = -lines[-1]
        name = f"c{draw(st.integers(0, 9))}-{number}"
        customer = draw(st.sampled_from(["ann", "bob"]))
        found.append(Sale(name, program, deal, local, customer, tuple(lines)))
    return found


def deal_of(found: list[dict[str, Any]], partner: str = "acme", zone: str = ZONE) -> Deal:
    """Return a contract with these limits."""
    return Deal(partner, zone, BEGAN, found)


def payout_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return payout rules that pay what a sale is due, line by line, under limits."""
    return {
        "kind": "payout",
        "on": "conversion",
        "hit": "first",
        "rules": [],
        "otherwise": {"amount": "order_value"},
        "bonuses": [{"id": "second", "when": {"fact": "discount", "op": "exists"}, "then": {"amount": "discount"}}],
        "limits": found,
    }


def facts_of(sale: Sale) -> dict[str, Any]:
    """Return what a sale is due as facts that the rules pay."""
    named = zip(("order_value", "discount"), map(str, sale.due), strict=False)
    return {"customer_id": sale.customer, **dict(named)}
