"""Addresses of the rates room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.as_of import read_as_of
from app.core.instants import parse_date
from app.rates.describe import rate_data
from app.rates.errors import RateDiffers, RateNotFound, RateRefused
from app.rates.operations.record_rates import NewRate, record_rate
from app.rates.repository import rate_known, rates_after
from app.rates.schemas import ExchangeRateShown, NewExchangeRate, RatesQuery
from app.runtime import Context
from app.web.as_of import AsOf
from app.web.blueprint import Room
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("rates", __name__, "Exchange rates: at which orders in other currencies become a contract's money.")


@routes.writes(
    "/exchange-rates",
    needs="set_rates",
    takes=NewExchangeRate,
    shows=ExchangeRateShown,
    status=201,
    refuses=(RateRefused, RateDiffers),
    location="/v1/exchange-rates/{from}/{to}/{day}",
    leads_to=Leads("show_rate", source="/from", target="/to", day="/day"),
)
def add_rate(
    ctx: Context, base: str, quoted: str, day: str, rate: Decimal, said_by: str, reason: str | None = None
) -> dict[str, Any]:
    """Record the exchange rate of a day.

    Orders that wait for it (`held`, `NO_RATE`) are decided then. No rate is made of others: one from USD to EUR says
    nothing of EUR to USD, and a day without a rate has none, weekends too. The same rate once more changes nothing;
    another one for the day is a correction, says why, and has what was decided at the old one decided again.
    """
    on = parse_date(day)
    assert on is not None  # the schema read it
    return rate_data(record_rate(ctx, NewRate(base, quoted, on, rate, said_by, reason)))


@routes.lists(
    "/exchange-rates",
    needs="read",
    query=RatesQuery,
    shows=ExchangeRateShown,
    cursor=lambda row: (row["from"], row["to"], row["day"]),
)
def list_rates(
    ctx: Context, page: Page, base: str | None = None, quoted: str | None = None, as_of: datetime | None = None
) -> Sequence[dict[str, Any]]:
    """List exchange rates in order of currencies and day, each as it counted then."""
    known_at = read_as_of(as_of, ctx.now())
    found = rates_after(ctx.session, _place(page), page.fetch, known_at, source=base, target=quoted)
    return [rate_data(row) for row in found]


@routes.reads(
    "/exchange-rates/<identifier:source>/<identifier:target>/<identifier:day>",
    needs="read",
    query=AsOf,
    shows=ExchangeRateShown,
    refuses=(RateNotFound,),
)
def show_rate(ctx: Context, source: str, target: str, day: str, as_of: datetime | None = None) -> dict[str, Any]:
    """Show the exchange rate of a day, as it counted then."""
    on = parse_date(day)
    if on is None:
        raise RateNotFound(f"{day!r} is no day. Rates are of a day YYYY-MM-DD.")
    return rate_data(rate_known(ctx.session, source, target, on, read_as_of(as_of, ctx.now())))


def _place(page: Page) -> tuple[str, str, Any] | None:
    """Return where the page before ended; a cursor that is none of ours begins anew."""
    if page.after is None or len(page.after) != 3:
        return None
    on = parse_date(page.after[2])
    return None if on is None else (page.after[0], page.after[1], on)
