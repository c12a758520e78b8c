"""Decisions and statements do not depend on the order in which conversions arrive, nor on how they are cut into parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.billing.operations.bill_at_once import bill_at_once
from app.billing.repository import totals
from app.conversions.operations import settle_program as settling
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.repository import current_records
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, order, rules, shop

NOW = datetime(1997, 9, 1, tzinfo=UTC)
# First orders pay more, later ones by a tier table over the month, and both share a monthly cap.
PAYOUT = """
kind: payout
"on": conversion
hit: first
rules:
  - {id: first_order, when: {fact: customer_order_number, op: eq, value: 1}, then: {percent: "10", of: order_value}}
otherwise:
  tiers:
    mode: graduated
    by: {count: true}
    window: month
    rate: per_unit
    steps: [{up_to: "2", unit: "0.10"}, {up_to: "4", unit: "0.55"}, {up_to: null, unit: "2.00"}]
limits: [{id: cap, measure: amount, per: contract, window: month, max: "9.99", over: partial}]
"""
_START = datetime(1997, 7, 30, tzinfo=UTC)


@st.composite
def _orders(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few orders of two customers around the end of a month, many of them at the same instant."""
    count = draw(st.integers(2, 12))
    return [
        order(
            f"c{draw(st.integers(0, 9))}-{index}",
            (_START + timedelta(hours=6 * draw(st.integers(0, 12)))).isoformat(),
            draw(st.sampled_from(["0.05", "10.00", "33.33", "80.15"])),
            partner=draw(st.sampled_from(["acme", "globex"])),
            customer_id=draw(st.sampled_from(["u1", "u2"])),
        )
        for index in range(count)
    ]


@st.composite
def _deliveries(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
    """Orders in canonical order, and the same ones shuffled and cut into parts."""
    orders = draw(_orders())
    shuffled = draw(st.permutations(orders))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(orders) - 1)), max_size=3)))
    parts = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    return sorted(orders, key=lambda one: (one["event_at"], one["id"])), parts


def _outcome(
    connection: Connection, catalogue: Catalogue, parts: list[list[dict[str, Any]]], *, bill_between: bool
) -> Any:
    """Return decisions and statement totals after the parts have arrived one after the other."""
    runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: NOW)
    with taken_back(connection), runtime.work("tester") as ctx:
        shop(ctx, "acme", "globex")
        for partner in ("acme", "globex"):
            agreed(ctx, partner, "1997-01-01", rules=rules(PAYOUT))
        for part in parts:
            receipts = receive_conversions(ctx, part)
            assert [receipt.status for receipt in receipts] == ["accepted"] * len(part)
            if bill_between:
                _bill(ctx)
        _bill(ctx)
        statements = {total.statement.id: total.amount for total in totals(ctx.session)}
        return current_records(ctx.session, "shop"), statements


def _bill(ctx: Any) -> None:
    for partner in ("acme", "globex"):
        for period in ("1997-07", "1997-08"):
            bill_at_once(ctx, contract=partner, period=period, poster="finance")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=_deliveries(), bill_between=st.booleans(), chunk=st.sampled_from([1, 2, 3, settling.CHUNK]))
def test_any_order_of_arrival_gives_the_same_decisions_and_statements(
    connection: Connection, catalogue: Catalogue, deliveries: Any, bill_between: bool, chunk: int
) -> None:
    in_order, parts = deliveries
    expected = _outcome(connection, catalogue, [in_order], bill_between=False)
    with patch.object(settling, "CHUNK", chunk):  # however many conversions are settled at a time
        assert _outcome(connection, catalogue, parts, bill_between=bill_between) == expected
    assert all(amount <= 10 for amount in expected[1].values())
