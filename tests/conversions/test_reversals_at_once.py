"""Sixteen workers reverse parts of one conversion at once: never more than the order, and never less than there is.

`--runs N` plays N rounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier

import pytest

from app.billing.operations.bill_at_once import bill_at_once
from app.conversions.errors import ReversalExceeds
from app.conversions.operations.receive_conversions import receive_conversion
from app.conversions.operations.reverse_conversion import get_reversals, reverse_conversion
from app.conversions.repository import current_decisions
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.builders.own_database import own_database

D = Decimal
WORKERS, ROUNDS = 16, 2
BEGAN = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def runtime(server_url: str, catalogue: Catalogue) -> Iterator[Runtime]:
    with own_database(server_url, pool_size=2 * WORKERS) as engine:
        runtime = Runtime(engine, ReferenceMatcher(), catalogue)
        with runtime.work("tester") as ctx:
            shop(ctx, "acme", timezone="UTC")
            agreed(ctx, "acme", "2020-01-01", rules=rules(percent("7")))
        yield runtime


def test_parts_that_come_back_at_once_are_never_more_than_the_order(
    runtime: Runtime, request: pytest.FixtureRequest
) -> None:
    rounds = request.config.getoption("--runs") or ROUNDS
    with ThreadPoolExecutor(WORKERS) as pool:
        for number in range(rounds):
            _round(runtime, pool, f"c{number}", BEGAN + timedelta(days=number), is_posted=number % 2 == 1)


def _round(runtime: Runtime, pool: ThreadPoolExecutor, name: str, at: datetime, *, is_posted: bool) -> None:
    """100.00 came in; sixteen want 9.00 of it each, two of them the same 9.00, so eleven get it; then the rest."""
    with runtime.work("shop") as ctx:
        receive_conversion(ctx, order(name, at.isoformat(), "100.00"))
        if is_posted:
            bill_at_once(ctx, contract="acme", period="2020-01", poster="finance")
    barrier = Barrier(WORKERS)

    def send(worker: int) -> str:
        barrier.wait()
        body = {"id": f"r{max(worker, 1)}", "reason": "RETURN", "amount": "9.00"}
        try:
            with runtime.work(f"worker {worker}") as ctx:
                found = reverse_conversion(ctx, body, program="shop", conversion=name)
                return "repeated" if found.is_repeated else "taken"
        except ReversalExceeds:
            return "refused"

    told = Counter(pool.map(send, range(WORKERS)))
    # The two that send the same are either both among those that got it, or both refused.
    assert told["taken"] == 11
    assert told["repeated"] + told["refused"] == 5
    assert told["repeated"] <= 1
    with runtime.work("auditor") as ctx:
        rows = get_reversals(ctx, program="shop", conversion=name)
        assert [row.number for row in rows] == list(range(1, 12))
        assert rows[-1].total == 99
        assert {row.mode for row in rows} == {"negate" if is_posted else "restate"}
        (decision,) = current_decisions(ctx.session, "shop", name)
        assert decision.amount == D("0.07")
        reverse_conversion(ctx, {"id": "rest", "reason": "RETURN", "full": True}, program="shop", conversion=name)
        (decision,) = current_decisions(ctx.session, "shop", name)
        assert (decision.amount, decision.outcome) == (0, "rated" if is_posted else "ineligible")
