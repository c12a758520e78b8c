"""Orders and rates come to the same in whatever order they arrive: to what the exact amounts come to, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_records
from app.engine.reference import ReferenceMatcher
from app.rates.operations.record_rates import NewRate, record_rate
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.builders.own_database import own_database
from tests.builders.terms import instant

D = Decimal
NOW = instant("2000-01-01T00:00:00Z")
HERE = ZoneInfo("America/New_York")
FIRST = date(1999, 3, 1)
CAP = D("25.00")
LIMIT = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": str(CAP), "over": "partial"}
# Of each contract how many days after an order its rate counts; None where it is agreed.
DEALS: dict[str, tuple[dict[str, Any], int | None]] = {
    "event": ({}, 0),
    "lock": ({"lock": {"event_days": 2}, "fx": {"date": "lock"}}, 2),
    "fixed": ({"fx": {"date": "fixed", "rates": {"EUR": "1.5"}}}, None),
}


class Sale(NamedTuple):
    name: str
    deal: str
    day: int
    value: D
    currency: str


class Published(NamedTuple):
    currency: str
    day: int
    rate: D


SALES = st.builds(
    Sale,
    name=st.uuids().map(str),
    deal=st.sampled_from(sorted(DEALS)),
    day=st.integers(0, 1),
    value=st.sampled_from([D("0.05"), D("12.345678"), D("80.00"), D("99.99"), D("100")]),
    currency=st.sampled_from(["EUR", "EUR", "JPY", "USD"]),
)
RATES = st.builds(
    Published,
    currency=st.sampled_from(["EUR", "JPY"]),
    day=st.integers(0, 3),
    rate=st.sampled_from([D("1.1"), D("0.0067"), D("1.234567891"), D("2")]),
)


def worked_out(sales: list[Sale], published: list[Published]) -> dict[str, tuple[str, D]]:
    """Return what each sale is paid: 10 % of its dollars, rounded, within the cap of its contract, in order of day and
    name. All sales of a day are at one instant."""
    rates = {(one.currency, one.day): one.rate for one in published}
    left = dict.fromkeys(DEALS, CAP)
    found = {}
    for sale in sorted(sales, key=lambda one: (one.day, one.name)):
        later = DEALS[sale.deal][1]
        agreed_rate = D("1.5") if sale.currency == "EUR" else None
        rate = rates.get((sale.currency, sale.day + later)) if later is not None else agreed_rate
        if sale.currency == "USD":
            rate = D(1)
        if rate is None:
            found[sale.name] = ("held", D(0))
            continue
        dollars = (sale.value * rate).quantize(D("0.000001"), ROUND_HALF_UP)
        paid = min((dollars / 10).quantize(D("0.01"), ROUND_HALF_UP), left[sale.deal])
        left[sale.deal] -= paid
        found[sale.name] = ("rated", paid)
    return found


def test_whatever_comes_first_the_same_is_paid(
    connection: Connection, catalogue: Catalogue, request: pytest.FixtureRequest
) -> None:
    runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: NOW)
    with runtime.work("tester") as ctx:
        shop(ctx, *DEALS)
        for deal, (settlement, _) in DEALS.items():
            agreed(ctx, deal, "1999-01-01", rules=rules({**percent("10"), "limits": [LIMIT]}), settlement=settlement)

    @settings(max_examples=request.config.getoption("--runs") or 12, deadline=None)
    @given(
        sales=st.lists(SALES, min_size=4, max_size=8, unique_by=lambda one: one.name),
        published=st.lists(RATES, min_size=4, max_size=8, unique_by=lambda one: (one.currency, one.day)),
        data=st.data(),
    )
    def comes_to_the_same(sales: list[Sale], published: list[Published], data: st.DataObject) -> None:
        arriving = data.draw(st.permutations([*sales, *published]))
        with taken_back(connection):
            assert paid(runtime, arriving) == worked_out(sales, published)

    comes_to_the_same()


def paid(runtime: Runtime, arriving: Sequence[Sale | Published]) -> dict[str, tuple[str, D]]:
    """Return what each sale is paid when these arrive one after the other, each settled before the next one comes."""
    with runtime.work("tester") as ctx:
        for one in arriving:
            if isinstance(one, Published):
                record_rate(ctx, NewRate(one.currency, "USD", FIRST + timedelta(days=one.day), one.rate, "ECB"))
                settle_program(ctx, "shop")
            else:
                receive_conversions(ctx, [body(one)])
        records = current_records(ctx.session, "shop")
    return {name: (record["outcome"], D(record["amount"])) for name, _, record in records}


def body(sale: Sale) -> dict[str, Any]:
    at = datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=HERE) + timedelta(days=sale.day)
    return order(sale.name, at.isoformat(), str(sale.value), partner=sale.deal, currency=sale.currency)


@pytest.fixture
def runtime(server_url: str, catalogue: Catalogue) -> Iterator[Runtime]:
    """A process on a database of its own, in which everything is committed."""
    with own_database(server_url, pool_size=4) as engine:
        yield Runtime(engine, ReferenceMatcher(), catalogue, lambda: NOW)


def test_no_order_waits_on_for_a_rate_that_came_at_the_same_moment(runtime: Runtime) -> None:
    """An order and its rate come at once, each of them first by a moment: in the end the order is paid."""
    with runtime.work("tester") as ctx:
        shop(ctx, "event")
        agreed(ctx, "event", "1999-01-01", rules=rules(percent("10")))

    def send(ctx: Context, day: int) -> None:
        (receipt,) = receive_conversions(ctx, [body(Sale(f"of day {day}", "event", day, D("100.00"), "EUR"))])
        assert receipt.status == "accepted"

    def publish(ctx: Context, day: int) -> None:
        record_rate(ctx, NewRate("EUR", "USD", FIRST + timedelta(days=day), D("1.1"), "ECB"))

    with ThreadPoolExecutor(1) as pool:
        for day, (first, second) in enumerate([(send, publish), (publish, send)]):
            with runtime.work("first") as ctx:
                first(ctx, day)
                other = pool.submit(_in_work_of_its_own, runtime, second, day)
                _until_it_waits(runtime, other)
            other.result()
    with runtime.work("auditor") as ctx:
        settle_program(ctx, "shop")
        assert [record["amount"] for _, _, record in current_records(ctx.session, "shop")] == ["11.00", "11.00"]


def _in_work_of_its_own(runtime: Runtime, deed: Callable[[Context, int], None], day: int) -> None:
    with runtime.work("second") as ctx:
        deed(ctx, day)


def _until_it_waits(runtime: Runtime, other: Future[None]) -> None:
    """Return when the other one waits for a lock, or is done without one."""
    waits = text("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
    for _ in range(1000):
        with runtime.work("observer") as ctx:
            if other.done() or ctx.session.execute(waits).first() is not None:
                return
    raise AssertionError("it neither waits nor ends")
