"""Reversals against worlds in which less was sold: before posting, a part that came back was never ordered, and a whole
order that came back was never sent; after it, what was paid is taken back and nothing else moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.billing.operations.bill_at_once import bill_at_once
from app.billing.repository import totals
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.reverse_conversion import reverse_conversion
from app.conversions.repository import current_records
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, order, rules, shop

D = Decimal
NOW = datetime(1997, 9, 1, tzinfo=UTC)
_START = datetime(1997, 7, 30, tzinfo=UTC)
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
    by: {sum: order_value}
    window: month
    rate: percent
    steps: [{up_to: "50", unit: "3"}, {up_to: "120", unit: "7"}, {up_to: null, unit: "11"}]
limits: [{id: cap, measure: amount, per: contract, window: month, max: "19.99", over: partial}]
"""
RELEASED = """
kind: payout
"on": conversion
hit: first
rules: []
otherwise:
  tiers:
    mode: graduated
    by: {sum: order_value}
    window: month
    rate: percent
    steps: [{up_to: "50", unit: "3"}, {up_to: "120", unit: "7"}, {up_to: null, unit: "11"}]
limits: [{id: cap, measure: amount, per: contract, window: month, max: "9.99", over: partial}]
"""
LOCKED = {"lock": {"event_days": 1}, "after_lock": "release"}
RUNS = 3
Returns = list[tuple[str, Decimal | None]]
"""(order, amount) in the order they happen; without an amount all that is left."""


@dataclass(frozen=True)
class World:
    """What a story came to: the decisions by order and partner, and the statements' totals."""

    decisions: dict[tuple[str, str | None], dict[str, Any]]
    statements: dict[str, Decimal]

    def amounts(self) -> dict[tuple[str, str | None], str]:
        return {name: record["amount"] for name, record in self.decisions.items()}


@st.composite
def _orders(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few orders of two customers with two partners around the end of a month."""
    count = draw(st.integers(2, 9))
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
def _returns(draw: st.DrawFn, orders: Sequence[dict[str, Any]]) -> Returns:
    """Parts that come back of some orders, each less than is left but for the last ones, which take the rest."""
    found: Returns = []
    for one in orders:
        left = D(one["facts"]["order_value"])
        for _ in range(draw(st.integers(0, 2))):
            part = (left * draw(st.integers(1, 99)) / 100).quantize(D("0.01"))
            if 0 < part < left:
                found.append((one["id"], part))
                left -= part
        if draw(st.booleans()):
            found.append((one["id"], None))
    return found


def _world(
    connection: Connection, catalogue: Catalogue, story: Callable[[Context], None], payout: str = PAYOUT, **terms: Any
) -> World:
    """Let a story happen in a shop with two partners, bill everything, and return what it came to."""
    runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: NOW)
    with taken_back(connection), runtime.work("tester") as ctx:
        shop(ctx, "acme", "globex")
        for partner in ("acme", "globex"):
            agreed(ctx, partner, "1997-01-01", rules=rules(payout), **terms)
        story(ctx)
        _bill(ctx)
        decisions = {(name, partner): record for name, partner, record in current_records(ctx.session, "shop")}
        return World(decisions, {total.statement.id: total.amount for total in totals(ctx.session)})


def _bill(ctx: Context) -> None:
    for partner in ("acme", "globex"):
        for period in ("1997-07", "1997-08"):
            bill_at_once(ctx, contract=partner, period=period, poster="finance")


def _sell(ctx: Context, orders: Iterable[dict[str, Any]]) -> None:
    assert all(receipt.status == "accepted" for receipt in receive_conversions(ctx, orders))


def _return(ctx: Context, returns: Returns) -> None:
    for number, (name, amount) in enumerate(returns):
        what = {"full": True} if amount is None else {"amount": str(amount)}
        reverse_conversion(ctx, {"id": f"r{number}", "reason": "RETURN", **what}, program="shop", conversion=name)


def _less(orders: Sequence[dict[str, Any]], returns: Returns) -> list[dict[str, Any]]:
    """Return the orders as if what came back had never been ordered."""
    left = {one["id"]: D(one["facts"]["order_value"]) for one in orders}
    for name, amount in returns:
        left[name] = D(0) if amount is None else left[name] - amount
    return [
        {**one, "facts": {**one["facts"], "order_value": str(left[one["id"]])}} for one in orders if left[one["id"]]
    ]


def test_before_posting_what_came_back_was_never_sold(
    connection: Connection, catalogue: Catalogue, request: pytest.FixtureRequest
) -> None:
    _tried(request, lambda data, orders: _never_sold(connection, catalogue, data, orders))


def test_after_posting_what_was_paid_is_taken_back_and_nothing_else_moves(
    connection: Connection, catalogue: Catalogue, request: pytest.FixtureRequest
) -> None:
    _tried(request, lambda data, orders: _taken_back(connection, catalogue, data, orders))


def test_where_room_is_given_back_others_are_decided_as_if_what_came_back_after_the_lock_was_never_sold(
    connection: Connection, catalogue: Catalogue, request: pytest.FixtureRequest
) -> None:
    _tried(request, lambda data, orders: _given_back(connection, catalogue, data, orders))


def _tried(request: pytest.FixtureRequest, check: Callable[[Any, list[dict[str, Any]]], None]) -> None:
    """Try a check on drawn orders, as often as `--runs` says."""

    @settings(max_examples=request.config.getoption("--runs") or RUNS, deadline=None)
    @given(data=st.data(), orders=_orders())
    def tried(data: Any, orders: list[dict[str, Any]]) -> None:
        check(data, orders)

    tried()


def _never_sold(connection: Connection, catalogue: Catalogue, data: Any, orders: list[dict[str, Any]]) -> None:
    returns = data.draw(_returns(orders))
    arrival = data.draw(st.permutations(orders))

    def happens(ctx: Context) -> None:
        _sell(ctx, arrival)
        _return(ctx, returns)

    found = _world(connection, catalogue, happens)
    never_sold = _world(connection, catalogue, lambda ctx: _sell(ctx, _less(orders, returns)))
    assert found.statements == never_sold.statements
    undone = {name for name, amount in returns if amount is None}
    assert {name: amount for name, amount in found.amounts().items() if name[0] not in undone} == never_sold.amounts()
    for name in undone:
        (record,) = (record for (conversion, _), record in found.decisions.items() if conversion == name)
        assert (record["outcome"], record["lines"], [each["code"] for each in record["reasons"]]) == (
            "ineligible",
            [],
            ["REVERSED"],
        )
    # Of orders of which nothing came back the decisions are the same to the last digest of what they were made of.
    for name, record in never_sold.decisions.items():
        if name[0] not in {conversion for conversion, _ in returns}:
            assert found.decisions[name] == record


def _taken_back(connection: Connection, catalogue: Catalogue, data: Any, orders: list[dict[str, Any]]) -> None:
    posted = _world(connection, catalogue, lambda ctx: _sell(ctx, orders))
    # What the cap left nothing of is on no statement, and is decided again as before posting.
    paid = {name: D(amount) for name, amount in posted.amounts().items()}
    returns = data.draw(_returns([one for one in orders if paid[one["id"], one["partner"]]]))

    def happens(ctx: Context) -> None:
        _sell(ctx, orders)
        _bill(ctx)
        _return(ctx, returns)

    found = _world(connection, catalogue, happens)
    came_back = {conversion for conversion, _ in returns}
    wholly = {conversion for conversion, amount in returns if amount is None}
    for (conversion, partner), record in found.decisions.items():
        before, after = paid[conversion, partner], D(record["amount"])
        if conversion not in came_back:
            assert after == before
        elif conversion in wholly:
            assert after == 0
        else:
            assert 0 <= after <= before
    for statement, total in found.statements.items():
        assert total <= posted.statements[statement]
    assert sum(found.statements.values()) == sum(D(amount) for amount in found.amounts().values())


def _given_back(connection: Connection, catalogue: Catalogue, data: Any, orders: list[dict[str, Any]]) -> None:
    names = data.draw(st.sets(st.sampled_from([one["id"] for one in orders]), min_size=1))

    def happens(ctx: Context) -> None:
        _sell(ctx, orders)
        _bill(ctx)
        _return(ctx, [(name, None) for name in sorted(names)])

    found = _world(connection, catalogue, happens, RELEASED, settlement=LOCKED)
    others = [one for one in orders if one["id"] not in names]
    never_sold = _world(connection, catalogue, lambda ctx: _sell(ctx, others), RELEASED, settlement=LOCKED)
    for name, record in found.decisions.items():
        if name[0] in names:
            assert (record["outcome"], D(record["amount"])) == ("rated", 0)
    assert {name: one for name, one in found.decisions.items() if name[0] not in names} == never_sold.decisions
    # A statement that was opened for what came back stays, with nothing on it in the end.
    assert {name: total for name, total in found.statements.items() if total} == {
        name: total for name, total in never_sold.statements.items() if total
    }
