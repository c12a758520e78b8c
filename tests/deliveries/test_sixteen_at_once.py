"""Sixteen senders at once: of one count the highest revision stands, of one limit nothing is passed, and nobody is asked to
try again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from threading import Barrier
from typing import Any

import pytest

from app.conversions.day_repository import day_records
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_records
from app.deliveries.operations.receive_deliveries import receive_deliveries
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.builders.agreements import agreed, rules, shop
from tests.builders.own_database import own_database

WORKERS, ROUNDS = 16, 2
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
PER_IMPRESSION = {"cpm": "1000", "of": "delivery.billable"}
DAILY = {"id": "cap", "measure": "amount", "per": "contract", "window": "day", "max": "10.00", "over": "partial"}


@pytest.fixture
def runtime(server_url: str, catalogue: Catalogue) -> Iterator[Runtime]:
    with own_database(server_url, pool_size=2 * WORKERS) as engine:
        runtime = Runtime(engine, ReferenceMatcher(), catalogue)
        both = {"kind": "payout", "hit": "first", "rules": []}
        paid = {**both, "on": "conversion", "otherwise": {"percent": "100", "of": "order_value"}, "limits": [DAILY]}
        shown = {**both, "on": "delivery", "otherwise": PER_IMPRESSION}
        with runtime.work("tester") as ctx:
            shop(ctx, "acme", timezone="UTC")
            agreed(ctx, "acme", "2020-01-01", rules={**rules(paid), "delivery_payout": shown})
        yield runtime


def test_the_highest_revision_stands_and_no_limit_is_passed(runtime: Runtime, request: pytest.FixtureRequest) -> None:
    """Ten send revisions of the same count, each of fewer impressions at one dollar, four send orders of a dollar, and two
    send what others send. Impressions come first in a day; a cap of ten dollars is on all of it."""
    rounds = request.config.getoption("--runs") or ROUNDS
    rng = Random(request.config.getoption("--seed") or 20261125)
    with ThreadPoolExecutor(WORKERS) as pool:
        for number in range(rounds):
            _round(runtime, pool, FIRST + timedelta(days=number), rng)


def _round(runtime: Runtime, pool: ThreadPoolExecutor, day: datetime, rng: Random) -> None:
    counts = [_count(day, revision, 18 - revision) for revision in range(1, 11)]
    orders = [_order(day, number) for number in range(4)]
    sent: list[dict[str, Any]] = [*counts, *orders, counts[9], counts[0]]
    rng.shuffle(sent)
    barrier = Barrier(WORKERS)
    answers = list(pool.map(lambda body: _send(runtime, body, barrier), sent))
    assert sorted(answers).count("duplicate") == 2
    assert "refused" not in answers
    with runtime.work("auditor") as ctx:
        assert settle_program(ctx, "shop").looked_at == 0
        (row,) = [row for row in day_records(ctx.session, "shop") if row.delivered_on == day.date()]
        records = {name: record for name, _, record in current_records(ctx.session, "shop")}
    # Revision 10 says eight impressions: 8.00. Two of the four orders are paid, the first ones.
    assert row.record["deliveries"] == [{"placement": "home", "source": "adserver", "revision": 10}]
    assert row.amount == Decimal("8.00")
    assert [records[order["id"]]["amount"] for order in orders] == ["1.00", "1.00", "0.00", "0.00"]


def _count(day: datetime, revision: int, impressions: int) -> dict[str, Any]:
    place = {"contract": "acme", "delivered_on": day.date().isoformat(), "placement": "home", "source": "adserver"}
    return {**place, "revision": revision, "facts": {"impressions": impressions}}


def _order(day: datetime, number: int) -> dict[str, Any]:
    at = day + timedelta(hours=number)
    facts = {"order_value": "1.00"}
    return {
        "id": f"{day.date()}-{number}",
        "program": "shop",
        "event_at": at.isoformat(),
        "partner": "acme",
        "facts": facts,
    }


def _send(runtime: Runtime, body: dict[str, Any], barrier: Barrier) -> str:
    barrier.wait()
    with runtime.work("shop") as ctx:
        receive = receive_deliveries if "delivered_on" in body else receive_conversions
        (receipt,) = receive(ctx, [body])
        return receipt.status
