"""Tier tables: where a step begins and ends, and that no way of cutting a total into events changes its price."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.payout.tiers import priced
from app.rulelang.ast import Metric, Step, Tiers

D = Decimal


def tiers(
    *steps: tuple[str | None, str, str], mode: Any = "graduated", rate: Any = "per_unit", zero: bool = False
) -> Tiers:
    made = tuple(Step(None if end is None else D(end), D(unit), D(flat)) for end, unit, flat in steps)
    return Tiers(mode, Metric("quantity"), "event", rate, made, zero)


GLOBEX = tiers(("200", "10", "0"), ("500", "12", "0"), (None, "15", "0"))
FLATS = (("100", "2", "10"), ("200", "1", "5"), (None, "0.5", "1"))


@pytest.mark.parametrize(
    ("before", "paid"),
    [(0, 10), (198, 10), (199, 10), (200, 12), (201, 12), (499, 12), (500, 15), (501, 15)],
)
def test_the_200th_and_the_500th_are_the_last_of_their_step(before: int, paid: int) -> None:
    assert priced(GLOBEX, D(before), D(1)) == paid


def test_an_event_that_crosses_is_split() -> None:
    assert priced(GLOBEX, D(199), D(2)) == 10 + 12
    assert priced(GLOBEX, D(150), D(400)) == 50 * 10 + 300 * 12 + 50 * 15


@pytest.mark.parametrize(
    ("quantity", "graduated", "volume"),
    [
        ("0", "0", "0"),
        ("-1", "0", "0"),
        ("0.5", "11", "11"),
        ("100", "210", "210"),
        ("100.5", "215.5", "105.5"),
        ("101", "216", "106"),
        ("200", "315", "205"),
        ("200.000001", "316.0000005", "101.0000005"),
        ("300", "366", "151"),
    ],
)
def test_a_step_ends_at_its_up_to_and_its_flat_is_due_once_it_is_entered(
    quantity: str, graduated: str, volume: str
) -> None:
    assert priced(tiers(*FLATS), D(0), D(quantity)) == D(graduated)
    assert priced(tiers(*FLATS, mode="volume"), D(0), D(quantity)) == D(volume)


@pytest.mark.parametrize("mode", ["graduated", "volume"])
def test_zero_pays_the_first_flat_only_where_the_table_says_so(mode: str) -> None:
    assert priced(tiers(*FLATS, mode=mode, zero=True), D(0), D(0)) == 10
    assert priced(tiers(*FLATS, mode=mode, zero=True), D(0), D(-1)) == 0
    assert priced(tiers(*FLATS, mode=mode, zero=False), D(0), D(0)) == 0
    assert priced(tiers(*FLATS, mode=mode, zero=True), D(0), D(1)) == 12


def test_a_flat_is_due_once_however_many_events_are_in_its_step() -> None:
    table = tiers(*FLATS)
    assert [priced(table, D(n), D(1)) for n in (0, 1, 99, 100, 101, 200, 201)] == [12, 2, 2, 6, 1, D("1.5"), D("0.5")]


def test_percentages_go_by_slices_too() -> None:
    table = tiers(("1000", "5", "0"), (None, "3", "2"), rate="percent")
    assert priced(table, D(0), D("1000")) == 50
    assert priced(table, D("999.99"), D("0.02")) == D("0.0005") + D("0.0003") + 2
    assert priced(tiers(("1000", "5", "0"), (None, "3", "0"), rate="percent", mode="volume"), D(0), D(1001)) == D(
        "30.03"
    )


AMOUNTS = st.decimals("0", "1000", places=6)
RATES = st.decimals("0", "50", places=3)


@st.composite
def tables(draw: st.DrawFn) -> Tiers:
    ends = sorted(set(draw(st.lists(st.decimals("0.000001", "900", places=6), max_size=4))))
    steps = tuple(Step(end, draw(RATES), draw(RATES)) for end in [*ends, None])
    return Tiers("graduated", Metric("v"), "month", draw(st.sampled_from(["per_unit", "percent"])), steps)


@given(tables(), st.lists(AMOUNTS, max_size=8))
def test_however_a_total_is_cut_the_parts_sum_to_its_price(table: Tiers, events: list[Decimal]) -> None:
    before, paid = D(0), D(0)
    for event in events:
        paid += priced(table, before, event)
        before += event
    assert paid == priced(table, D(0), before)


@given(tables(), st.lists(AMOUNTS, min_size=2, max_size=6))
def test_more_never_pays_less(table: Tiers, quantities: list[Decimal]) -> None:
    amounts = [priced(table, D(0), quantity) for quantity in sorted(quantities)]
    assert all(less <= more for less, more in pairwise(amounts))
    assert all(amount >= 0 for amount in amounts)


@given(tables(), AMOUNTS)
def test_the_price_is_the_one_of_a_slow_walk_through_every_slice(table: Tiers, quantity: Decimal) -> None:
    low, expected = D(0), D(0)
    for step in table.steps:
        if quantity > low:
            inside = (quantity if step.up_to is None else min(quantity, step.up_to)) - low
            expected += step.flat + inside * step.unit / (100 if table.rate == "percent" else 1)
        low = low if step.up_to is None else step.up_to
    assert priced(table, D(0), quantity) == expected
