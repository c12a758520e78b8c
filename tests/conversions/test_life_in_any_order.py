"""Holds, locks, deadlines and orders under several ids: whatever order conversions arrive in and whenever they are billed,
decisions, states and statements come out the same, and as a few lines without the product work them out.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.billing.operations.bill_at_once import bill_at_once
from app.billing.repository import lines_after, totals
from app.conversions.operations.get_conversion import get_conversion
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.repository import current_records
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, order, percent, rules, shop

ZONE = ZoneInfo("America/New_York")
# Around the end of March and the ten days after it; New York's clocks go forward on 6 April 1997.
START, MONTHS = datetime(1997, 3, 28, tzinfo=UTC), ("1997-03", "1997-04")
SETTLEMENT = {"hold_days": 4, "lock": {"month_end_days": 10}, "submit_within_days": 5}
Order = dict[str, Any]


@st.composite
def _orders(draw: st.DrawFn) -> list[Order]:
    """Orders of few numbers, many at one instant, some received too late by a second."""
    found = []
    for index in range(draw(st.integers(1, 10))):
        event = START + timedelta(hours=6 * draw(st.integers(0, 40)))
        after = draw(st.sampled_from([timedelta(0), timedelta(days=4), *_around(event)]))
        one = order(
            f"c{draw(st.integers(0, 9))}-{index}",
            event.isoformat(),
            draw(st.sampled_from(["10.00", "33.33", "80.15"])),
            order_id=draw(st.sampled_from(["o1", "o2", "o3", "o4"])),
        )
        found.append({**one, "received_at": (event + after).isoformat()})
    return found


def _around(event: datetime) -> list[timedelta]:
    deadline = (event.astimezone(ZONE) + timedelta(days=5)).replace(fold=0).astimezone(UTC) - event
    return [deadline, deadline - timedelta(seconds=1)]


def expected(orders: list[Order], now: datetime) -> tuple[dict[str, tuple[str, str]], dict[str, Decimal]]:
    """Work out the outcome and state of each order and the total of each month, without the product."""
    states: dict[str, tuple[str, str]] = {}
    months = dict.fromkeys(MONTHS, Decimal(0))
    first: dict[str, str] = {}
    for one in sorted(orders, key=lambda each: (datetime.fromisoformat(each["event_at"]), each["id"])):
        event, local = _instant(one["event_at"]), _instant(one["event_at"]).astimezone(ZONE)
        name = one["facts"]["order_id"]
        is_first = first.setdefault(name, one["id"]) == one["id"]
        is_late = _instant(one["received_at"]) - event >= _around(event)[0]
        if not is_first or is_late:
            states[one["id"]] = ("ineligible", "ineligible")
            continue
        month = f"{local:%Y-%m}"
        day = date(1997, local.month + 1, 10)
        due = [datetime(day.year, day.month, day.day, tzinfo=ZONE), (local + timedelta(days=4)).replace(fold=0)]
        if all(at <= now for at in due):
            states[one["id"]] = ("rated", "posted")
            months[month] += (Decimal(one["facts"]["order_value"]) / 10).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        else:
            states[one["id"]] = ("rated", "held" if due[1] > now else "locked" if due[0] <= now else "rated")
    return states, months


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orders=_orders(),
    data=st.data(),
    until=st.integers(0, 60),
    seconds=st.sampled_from([timedelta(0), timedelta(microseconds=-1)]),
)
def test_neither_arrival_nor_billing_in_between_changes_what_comes_out(
    connection: Connection, catalogue: Catalogue, orders: list[Order], data: Any, until: int, seconds: timedelta
) -> None:
    # Sometimes at a midnight of New York, sometimes just before.
    end = datetime(1997, 4, 5, tzinfo=ZONE).astimezone(UTC) + timedelta(days=until) + seconds
    last = max(_instant(one["received_at"]) for one in orders)
    end = max(end, last)
    shuffled = data.draw(st.permutations(orders))
    cut = data.draw(st.integers(0, len(orders)))
    whole = _outcome(connection, catalogue, [orders], end)
    parts = _outcome(connection, catalogue, [shuffled[:cut], shuffled[cut:]], end)
    assert parts == whole
    states, months = expected(orders, end)
    assert whole[1] == states
    assert whole[2] == months


def _outcome(connection: Connection, catalogue: Catalogue, parts: list[list[Order]], end: datetime) -> Any:
    """Return decisions, states and statements at the end; each part is billed once it is there."""
    with taken_back(connection), Runtime(connection, ReferenceMatcher(), catalogue).work("tester") as ctx:
        ctx = ctx.at(datetime(1997, 1, 1, tzinfo=UTC))
        shop(ctx, "acme")
        agreed(ctx, "acme", "1997-01-01", rules=rules(percent("10")), settlement=SETTLEMENT)
        for part in parts:
            ctx = ctx.at(end)
            receive_conversions(ctx, part)
            _bill(ctx)
        names = [one["id"] for part in parts for one in part]
        found = {name: get_conversion(ctx, program="shop", conversion=name) for name in names}
        states = {name: (one.decisions[0].outcome, one.lives[0].state) for name, one in found.items()}
        return current_records(ctx.session, "shop"), states, _statements(ctx)


def _bill(ctx: Context) -> None:
    for month in MONTHS:
        bill_at_once(ctx, contract="acme", period=month, poster="finance")


def _statements(ctx: Context) -> dict[str, Decimal]:
    """Return the total of each month, which is the sum of its lines."""
    found = {}
    for total in totals(ctx.session):
        lines = lines_after(ctx.session, total.statement.id, None, None)
        assert sum((line.amount for line in lines), Decimal(0)) == total.amount
        found[total.statement.period] = total.amount
    return found
