"""What each formula pays, worked by hand. `steps` of a quote say how it was calculated."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.payout.formulas import _WORDS, divmod_exact, facts_missing, price, word_of
from app.engine.quote import Quote, quote
from app.rulelang.ast import Formula, Percent
from app.rulelang.diagnostics import Findings
from app.rulelang.formulas import WORDS, read_formula
from app.rulelang.reader import Reader
from tests.builders.terms import data

D = Decimal
PRECISE = Context(prec=200)


def formula(text: str) -> Formula:
    findings = Findings()
    read = read_formula(Reader(findings), data(text), "")
    assert read is not None, findings.all
    return read


def priced(text: str, **facts: Any) -> Decimal:
    found = quote({"formula": data(text), "facts": facts})
    assert isinstance(found, Quote), found
    return found.amount_precise


@pytest.mark.parametrize(
    ("text", "facts", "amount"),
    [
        ('{flat: "5.005"}', {}, "5.005"),
        ('{percent: "8", of: v}', {"v": "77.00"}, "6.16"),
        ('{percent: "2.5", of: v}', {"v": "10.01"}, "0.25025"),
        ('{percent: "0.000000001", of: v}', {"v": "0.000000001"}, "0.00000000000000000001"),
        (
            '{percent: "33.333333333", of: v}',
            {"v": "999999999999999999.999999999"},
            "333333333329999999.99999999966666666667",
        ),
        ('{per_unit: "0.35", of: q}', {"q": "3"}, "1.05"),
        ('{cpm: "12.50", of: q}', {"q": "1"}, "0.0125"),
        ('{cpm: "12.50", of: q}', {"q": "60000"}, "750"),
        ("{amount: v}", {"v": "61.728"}, "61.728"),
        ("{amount: v}", {"v": "-5"}, "-5"),
        ('{sum: [{flat: "1"}, {percent: "10", of: v}, {flat: "0.5"}]}', {"v": "20"}, "3.5"),
        ('{least: [{flat: "3"}, {percent: "10", of: v}]}', {"v": "20"}, "2"),
        ('{least: [{flat: "3"}, {percent: "10", of: v}]}', {"v": "40"}, "3"),
        ('{greatest: [{flat: "3"}, {percent: "10", of: v}]}', {"v": "20"}, "3"),
        ('{greatest: [{flat: "3"}, {percent: "10", of: v}]}', {"v": "40"}, "4"),
        ('{clamp: {percent: "10", of: v}, max: "15"}', {"v": "150"}, "15"),
        ('{clamp: {percent: "10", of: v}, max: "15"}', {"v": "150.01"}, "15"),
        ('{clamp: {percent: "10", of: v}, max: "15"}', {"v": "149.99"}, "14.999"),
        ('{clamp: {percent: "10", of: v}, min: "1"}', {"v": "9.99"}, "1"),
        ('{clamp: {percent: "10", of: v}, min: "1"}', {"v": "10.01"}, "1.001"),
        ('{clamp: {percent: "10", of: v}, min: "1", max: "1"}', {"v": "50"}, "1"),
        ('{sum: [{clamp: {flat: "9"}, max: "2"}, {least: [{flat: "7"}, {greatest: [{flat: "1"}]}]}]}', {}, "3"),
    ],
)
def test_a_formula_pays(text: str, facts: dict[str, str], amount: str) -> None:
    assert priced(text, **facts) == D(amount)


PACKAGE = '{package: {size: "10", amount: "100", free: "200"}, of: q}'


@pytest.mark.parametrize(
    ("quantity", "up", "down"),
    [
        ("0", 0, 0),
        ("199.5", 0, 0),
        ("200", 0, 0),
        ("200.000001", 100, 0),
        ("201", 100, 0),
        ("209.999999", 100, 0),
        ("210", 100, 100),
        ("210.5", 200, 100),
        ("220", 200, 200),
        ("-5", 0, 0),
    ],
)
def test_a_package_begun_counts_in_full_and_a_free_quantity_is_free(quantity: str, up: int, down: int) -> None:
    assert priced(PACKAGE, q=quantity) == up
    assert priced(PACKAGE.replace('free: "200"', 'free: "200", round: down'), q=quantity) == down


def test_packages_of_a_fraction_are_exact() -> None:
    assert priced('{package: {size: "0.1", amount: "1"}, of: q}', q="0.3") == 3
    assert priced('{package: {size: "0.1", amount: "1"}, of: q}', q="0.300000001") == 4
    assert priced('{package: {size: "0.3", amount: "0.01", round: down}, of: q}', q="999999999999999999") == D(
        "33333333333333333.30"
    )


@given(st.decimals("0", "1e17", places=9), st.decimals("0.000000001", "1e9", places=9))
def test_division_leaves_nothing_out(quantity: Decimal, size: Decimal) -> None:
    whole, rest = divmod_exact(quantity, size)
    assert whole == whole.to_integral_value()
    assert 0 <= rest < size
    assert int(whole) * int(size.scaleb(9)) + int(rest.scaleb(9)) == int(quantity.scaleb(9))


@given(st.decimals("-1e17", "1e17", places=9), st.decimals("-1e17", "1e17", places=9))
def test_a_percentage_is_exact_to_the_last_digit(rate: Decimal, base: Decimal) -> None:
    amount = price(Percent(rate, "v"), {"v": base}, {})
    assert amount.scaleb(20, PRECISE) == int(rate.scaleb(9, PRECISE)) * int(base.scaleb(9, PRECISE))


def test_least_and_greatest_ask_for_the_facts_of_every_part() -> None:
    read = formula(
        '{least: [{flat: "1"}, {sum: [{percent: "1", of: b}, {amount: a}]}, {clamp: {amount: c}, max: "1"}]}'
    )
    assert facts_missing(read, {}) == ["a", "b", "c"]
    assert facts_missing(read, {"b": D(0), "a": 0}) == ["c"]


def test_every_word_of_the_language_has_a_price_and_a_name() -> None:
    assert set(_WORDS.values()) == set(WORDS)
    assert word_of(formula('{least: [{flat: "1"}]}')) == "least"


def test_integers_are_numbers_too() -> None:
    assert price(formula('{per_unit: "0.35", of: quantity}'), {"quantity": 2**53}, {}) == D(2**53) * 35 / 100


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ('{flat: "5"}', ["a flat 5.00"]),
        ('{percent: "8", of: v}', ["8 % of v (v is 77) comes to 6.16"]),
        (
            '{clamp: {sum: [{amount: v}, {flat: "0.30"}]}, max: "15"}',
            [
                "the amount of v (v is 77) comes to 77",
                "a flat 0.30",
                "the amount of v plus a flat 0.30 comes to 77.3",
                "(the amount of v plus a flat 0.30), at most 15.00 comes to 15",
            ],
        ),
        (
            "{tiers: {mode: graduated, by: {sum: v}, window: month, rate: per_unit, steps: [{up_to: null, unit: '2'}]}}",
            ["graduated by v of a month: 2.00 each for all (v is 77, after 3 in the month) comes to 154"],
        ),
        (
            "{tiers: {mode: graduated, by: {count: true}, window: month, rate: per_unit, steps: [{up_to: null, unit: '2'}]}}",
            ["graduated by conversions of a month: 2.00 each for all (1, after 4 in the month) comes to 2"],
        ),
    ],
)
def test_each_step_is_told_innermost_first(text: str, steps: list[str]) -> None:
    found = quote({"formula": data(text), "facts": {"v": "77.00"}, "before": {"count": 4, "sum": "3"}})
    assert isinstance(found, Quote)
    assert list(found.steps) == steps
