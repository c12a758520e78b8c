"""Tier tables that pay less for more, and limits that never change what is paid. Totals are worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.engine.counters import Counter
from app.engine.decision import Line
from app.engine.payout.formulas import price
from app.engine.payout.limits import within_limits
from app.rulelang.ast import Payout
from tests.builders.terms import rule_set
from tests.builders.witnesses import analysed


def table(
    steps: str, mode: str = "volume", by: str = "{sum: quantity}", more: str = "window: event, rate: per_unit"
) -> str:
    return f"{{rules: [], otherwise: {{clamp: {{tiers: {{mode: {mode}, by: {by}, {more}, steps: {steps}}}}}, max: '999'}}}}"


MONTH = "window: month, rate: per_unit"
DROPS = {
    "a lower price for all pieces": (table("[{up_to: '10', unit: '5'}, {up_to: null, unit: '4'}]"), 1, [("10", "50"), ("11", "44")]),
    "in millionths for decimals": (
        table("[{up_to: '100', unit: '2'}, {up_to: null, unit: '1'}]", by="{sum: order_value}", more="window: event, rate: percent"),
        1,
        [("100", "2"), ("100.000001", "1.00000001")],
    ),
    "a flat that ends": (table("[{up_to: '3', unit: '0', flat: '9'}, {up_to: null, unit: '1', flat: '2'}]"), 1, [("3", "9"), ("4", "6")]),
    "an end between two pieces": (table("[{up_to: '2.5', unit: '5'}, {up_to: null, unit: '1'}]"), 1, [("2", "10"), ("3", "3")]),
    "a negative unit": (table("[{up_to: '10', unit: '2'}, {up_to: null, unit: '-1'}]", "graduated"), 1, [("10", "20"), ("11", "19")]),
    "a negative flat": (table("[{up_to: '10', unit: '2'}, {up_to: null, unit: '1', flat: '-5'}]", "graduated"), 1, [("10", "20"), ("11", "16")]),
    "counted over a month": (table("[{up_to: '2', unit: '2'}, {up_to: null, unit: '1', flat: '-3'}]", "graduated", "{count: true}", MONTH), 1, [("2", "4"), ("3", "2")]),
    "less than for nothing": (table("[{up_to: null, unit: '-1'}]", "graduated"), 0, [("0", "0"), ("1", "-1")]),
    "a volume over a month": (table("[{up_to: '10', unit: '5'}, {up_to: null, unit: '4'}]", more=MONTH), 1, [("10", "50"), ("11", "44")]),
    "whole at a lower step": (table("[{up_to: '10', unit: '5'}, {up_to: null, unit: '4'}]", "graduated", more=MONTH + ", crossing: whole_at_new"), 1, [("10", "50"), ("11", "44")]),
    "along a step": (table("[{up_to: '1', unit: '9'}, {up_to: '5', unit: '-1', flat: '20'}, {up_to: null, unit: '9'}]"), 1, [("2", "18"), ("5", "15")]),
}  # fmt: skip
RISES = {
    "graduated": table("[{up_to: '10', unit: '5'}, {up_to: null, unit: '4'}]", "graduated"),
    "volume that rises": table("[{up_to: '10', unit: '4'}, {up_to: null, unit: '5'}]"),
    "volume that stays level": table("[{up_to: '10', unit: '0', flat: '7'}, {up_to: null, unit: '0', flat: '7'}]"),
    "whole at a higher step": table("[{up_to: '10', unit: '4'}, {up_to: null, unit: '5'}]", "graduated", more=MONTH + ", crossing: whole_at_new"),
    "whole at the former, which pays less": table("[{up_to: '10', unit: '4'}, {up_to: null, unit: '5'}]", "graduated", more=MONTH + ", crossing: whole_at_old"),
    "whole at the former, of one event": table("[{up_to: '10', unit: '5'}, {up_to: null, unit: '4'}]", "graduated", more="window: event, rate: per_unit, crossing: whole_at_old"),
    "a flat that makes up for it": table("[{up_to: '10', unit: '5'}, {up_to: null, unit: '4', flat: '6'}]"),
    "a step between whole pieces": table("[{up_to: '2.2', unit: '5'}, {up_to: '2.8', unit: '1'}, {up_to: null, unit: '6'}]"),
    "one event is never two": table("[{up_to: '1', unit: '5'}, {up_to: null, unit: '1'}]", by="{count: true}"),
    "a first flat at zero": table("[{up_to: '10', unit: '1', flat: '3'}, {up_to: null, unit: '2', flat: '3'}]", more="window: event, rate: per_unit, flat_at_zero: true"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "step", "totals"), DROPS.values(), ids=DROPS)
def test_a_total_that_drops_is_shown_by_two_quantities(body: str, step: int, totals: list[tuple[str, str]]) -> None:
    (finding,) = analysed("payout", body)
    assert (finding["code"], finding["pointer"]) == ("total_drops", f"/otherwise/clamp/tiers/steps/{step}")
    shown = finding["witness"]["totals"]
    assert [(each["quantity"], each["total"]) for each in shown] == totals
    assert [paid(body, Decimal(each["quantity"])) for each in shown] == [Decimal(each["total"]) for each in shown]


@pytest.mark.parametrize("body", RISES.values(), ids=RISES)
def test_a_total_that_never_drops_is_no_finding(body: str) -> None:
    assert analysed("payout", body) == []


def test_one_that_begins_behind_the_end_of_a_step_and_is_paid_less_is_shown() -> None:
    # 9 at 5.00, then 100 that begin below 10 and are paid 5.00 each: 545.00. With one more before it: 50.00 + 400.00.
    steps = "[{up_to: '10', unit: '5'}, {up_to: null, unit: '4'}]"
    (finding,) = analysed("payout", table(steps, "graduated", more=MONTH + ", crossing: whole_at_old"))
    assert (finding["code"], finding["pointer"]) == ("total_drops", "/otherwise/clamp/tiers/steps/1")
    assert finding["witness"]["totals"] == [{"quantity": "109", "total": "545"}, {"quantity": "110", "total": "450"}]
    assert "the last 100 of it at once" in finding["message"]


def test_a_table_for_items_is_looked_at_too() -> None:
    steps = "[{up_to: '10', unit: '5'}, {up_to: null, unit: '4'}]"
    tiers = f"{{tiers: {{mode: volume, by: {{sum: price}}, window: event, rate: per_unit, steps: {steps}}}}}"
    (finding,) = analysed("payout", f"{{rules: [], otherwise: {{per_item: items, then: {tiers}}}}}")
    assert (finding["code"], finding["pointer"]) == ("total_drops", "/otherwise/then/tiers/steps/1")
    assert finding["witness"]["totals"][1] == {"quantity": "10.000001", "total": "40.000004"}


def paid(body: str, quantity: Decimal) -> Decimal:
    """What the engine pays for a quantity; where conversions are counted, for all of them one after the other."""
    payout = rule_set("payout", body).body
    assert isinstance(payout, Payout)
    formula: Any = payout.otherwise
    if formula.part.by.fact is not None:
        return price(formula, {formula.part.by.fact: quantity}, {Counter("sum", "month", "quantity"): Decimal(0)})
    counter = Counter("count", "month")
    return sum((price(formula, {}, {counter: Decimal(n)}) for n in range(int(quantity))), Decimal(0))


def capped(*limits: tuple[str, str], otherwise: str = "{percent: '6', of: order_value}") -> str:
    each = (
        f"{{id: {name}, measure: amount, per: contract, window: month, max: '{most}', over: partial}}"
        for name, most in limits
    )
    return f"{{rules: [], otherwise: {otherwise}, limits: [{', '.join(each)}]}}"


@pytest.mark.parametrize(
    ("limits", "idle"),
    [
        ((("cap", "500"), ("wide", "800")), {"wide"}),
        ((("wide", "800"), ("cap", "500")), {"wide"}),
        ((("one", "500"), ("two", "500.00")), {"two"}),
        ((("a", "9"), ("b", "7"), ("c", "8")), {"a", "c"}),
        ((("cap", "500"),), set()),
        ((), set()),
    ],
)  # fmt: skip
def test_a_limit_behind_a_tighter_one_never_binds(limits: tuple[tuple[str, str], ...], idle: set[str]) -> None:
    body = capped(*limits)
    findings = analysed("payout", body)
    assert {finding["code"] for finding in findings} <= {"limit_never_binds"}
    payout = rule_set("payout", body).body
    assert isinstance(payout, Payout)
    found = {payout.limits[int(finding["pointer"].removeprefix("/limits/"))].id for finding in findings}
    assert found == idle
    for finding in findings:
        place = int(finding["pointer"].removeprefix("/limits/"))
        (shown,) = finding["witness"]["totals"]
        without = payout.limits[:place] + payout.limits[place + 1 :]
        for limits_left in (payout.limits, without):
            assert left_of(Decimal(shown["quantity"]), limits_left) == Decimal(shown["total"])
        assert Decimal(shown["quantity"]) > payout.limits[place].max


def left_of(due: Decimal, limits: Any) -> Decimal:
    line, before = Line("r", "flat", due, due, "USD"), {Counter("amount", "month"): Decimal(0)}
    found = within_limits([line], limits, before, "USD", lambda limit: pytest.fail(limit.id))
    return sum((line.amount for line in found.lines), Decimal(0))


NOTHING = {
    "nothing flat": "{flat: '0'}",
    "no percent": "{percent: '0', of: order_value}",
    "capped at nothing": "{clamp: {amount: order_value}, max: '0'}",
    "taken back": "{sum: [{flat: '-2'}, {least: [{flat: '1'}, {amount: order_value}]}]}",
    "tiers of nothing": "{tiers: {mode: graduated, by: {sum: quantity}, window: event, rate: per_unit, steps: [{up_to: null, unit: '0'}]}}",
}
SOMETHING = {
    "a negative slice that a refund takes back": "{tiers: {mode: graduated, by: {sum: quantity}, window: month, rate: per_unit, steps: [{up_to: null, unit: '-1'}]}}",
    "an amount that can be above zero": "{amount: order_value}",
    "a negative percent of what can be negative": "{percent: '-5', of: order_value}",
    "at least a cent": "{clamp: {flat: '0'}, min: '0.01'}",
    "the greatest": "{greatest: [{flat: '0'}, {flat: '1'}]}",
    "a sum": "{sum: [{flat: '0'}, {flat: '1'}]}",
}


@pytest.mark.parametrize("formula", NOTHING.values(), ids=NOTHING)
def test_a_limit_on_nothing_never_binds(formula: str) -> None:
    (finding,) = [
        f for f in analysed("payout", capped(("cap", "500"), otherwise=formula)) if f["code"] == "limit_never_binds"
    ]
    assert finding["witness"]["totals"] == [{"quantity": "0", "total": "0"}]
    payout = rule_set("payout", capped(("cap", "500"), otherwise=formula)).body
    assert isinstance(payout, Payout)
    for value in ("-100", "0", "100", "4611686018427"):
        due = price(payout.otherwise, {"order_value": Decimal(value), "quantity": Decimal(value)}, {})  # type: ignore[arg-type]
        assert due <= 0
        assert left_of(due, payout.limits) == due


@pytest.mark.parametrize("formula", SOMETHING.values(), ids=SOMETHING)
def test_a_limit_on_something_is_no_finding(formula: str) -> None:
    assert {f["code"] for f in analysed("payout", capped(("cap", "0"), otherwise=formula))} <= {
        "total_drops",
        "limit_leaves_nothing",
    }


def limited(*limit: str, otherwise: str = "{amount: order_value}") -> list[tuple[str, str]]:
    found = analysed("payout", f"{{rules: [], otherwise: {otherwise}, limits: [{', '.join(limit)}]}}")
    return [(each["code"], each["pointer"]) for each in found if each["code"].startswith("limit_")]


def limit(
    name: str, most: str, over: str = "zero", measure: str = "amount", window: str = "month", per: str = "contract"
) -> str:
    return f"{{id: {name}, measure: {measure}, per: {per}, window: {window}, max: '{most}', over: {over}}}"


BINDS, EMPTY = "limit_never_binds", "limit_leaves_nothing"
FALLBACK = "{fallback: {amount: tax}}"


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([limit("a", "5", "reject"), limit("b", "4", "reject")], [(BINDS, "/limits/0")]),
        ([limit("a", "5", "reject"), limit("b", "4", "hold")], []),  # between 4 and 5 it is held, above it is refused
        ([limit("a", "5", measure="count"), limit("b", "4", measure="count")], [(BINDS, "/limits/0")]),
        ([limit("a", "5"), limit("b", "4", window="day")], []),
        ([limit("a", "5"), limit("b", "4", per="customer")], []),
        ([limit("a", "5", FALLBACK), limit("b", "4", FALLBACK)], []),  # each has a counter of its own
        ([limit("a", "1", measure="count", window="event")], [(BINDS, "/limits/0")]),
        ([limit("a", "0", measure="count", window="event")], [(EMPTY, "/limits/0")]),
        ([limit("a", "0", "reject")], [(EMPTY, "/limits/0")]),
        ([limit("a", "0.00", FALLBACK)], [(EMPTY, "/limits/0")]),
        ([limit("a", "0"), limit("b", "0")], [(EMPTY, "/limits/0"), (BINDS, "/limits/1")]),
    ],
)
def test_limits_of_every_kind_that_make_no_difference_or_leave_nothing(
    limits: list[str], expected: list[tuple[str, str]]
) -> None:
    assert limited(*limits) == expected


def test_a_limit_on_nothing_may_have_a_fallback_that_pays() -> None:
    assert limited(limit("a", "5", measure="count"), otherwise="{flat: '0'}") == [(BINDS, "/limits/0")]
    assert limited(limit("a", "5", FALLBACK), otherwise="{flat: '0'}") == []
