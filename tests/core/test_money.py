"""Decimals: exactly the texts of the documented shape are read, nothing is ever rounded, and each has one written form."""

from __future__ import annotations

import re
from decimal import Decimal, Inexact, InvalidOperation
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.money import EXACT, ZERO, canonical, minus, parse_decimal, percent_of, plus, times, total

SHAPE = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?")
decimals = st.from_regex(SHAPE, fullmatch=True).map(Decimal)
precise = st.builds(
    lambda digits, scale: Decimal(digits).scaleb(-scale, EXACT), st.integers(-(10**80), 10**80), st.integers(0, 60)
)
almost = st.text("0123456789.-+eE_ \n\t,xXNaInf١²", max_size=32)


@given(st.from_regex(SHAPE, fullmatch=True))
@settings(deadline=None)
def test_a_text_of_the_shape_is_its_number(text: str) -> None:
    read = parse_decimal(text)
    assert read is not None
    whole, _, fraction = text.lstrip("-").partition(".")
    assert abs(Fraction(read)) == Fraction(int(whole + fraction), 10 ** len(fraction))
    assert read.is_signed() == text.startswith("-")


@given(st.text() | almost)
@settings(deadline=None, max_examples=500)
def test_any_other_text_is_none_and_no_fault(text: str) -> None:
    assert (parse_decimal(text) is not None) == (SHAPE.fullmatch(text) is not None)


@pytest.mark.parametrize(
    "text",
    [
        "", "-", ".", "-.", "5.", ".5", "+5", "--5", "1e3", "1E3", "1_000", "1,000", " 1", "1 ", "1\n", "\ufeff1",
        "NaN", "sNaN", "Infinity", "-Infinity", "inf", "0x10", "1.2.3", "١٢", "１", "²", "1\x00", "−1",
        "1" * 19, "0" * 19, "1." + "0" * 10, "1" * 1_000_000,
    ],
)  # fmt: skip
def test_nothing_else_is_a_decimal(text: str) -> None:
    assert parse_decimal(text) is None


def test_the_widest_decimals_are_kept_to_the_last_digit() -> None:
    text = "-" + "9" * 18 + "." + "9" * 9
    assert canonical(parse_decimal(text) or ZERO) == text


@given(precise, precise)
@settings(deadline=None)
def test_calculation_is_exact_beyond_the_28_digits_of_the_default_context(left: Decimal, right: Decimal) -> None:
    assert Fraction(plus(left, right)) == Fraction(left) + Fraction(right)
    assert Fraction(minus(left, right)) == Fraction(left) - Fraction(right)
    assert Fraction(times(left, right)) == Fraction(left) * Fraction(right)
    assert Fraction(percent_of(left, right)) == Fraction(left) * Fraction(right) / 100


@given(st.lists(precise, max_size=20))
@settings(deadline=None)
def test_a_sum_is_exact_in_any_order(amounts: list[Decimal]) -> None:
    assert total(amounts) == total(reversed(amounts))
    assert Fraction(total(amounts)) == sum(map(Fraction, amounts))


def test_the_default_context_would_have_lost_a_cent() -> None:
    large, cent = Decimal(10**30), Decimal("0.01")
    assert large + cent == large
    assert canonical(plus(large, cent)) == "1" + "0" * 30 + ".01"


def test_what_cannot_be_exact_is_a_fault_and_not_a_rounding() -> None:
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))
    with pytest.raises(Inexact):
        plus(Decimal(f"1e{EXACT.prec}"), Decimal("0.1"))
    with pytest.raises(InvalidOperation):
        plus(Decimal("Infinity"), Decimal("-Infinity"))


@given(precise)
@settings(deadline=None)
def test_the_canonical_form_is_one_text_for_one_number(amount: Decimal) -> None:
    text = canonical(amount)
    assert Decimal(text) == amount
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", text)
    assert text != "-0"
    for same in (amount.normalize(EXACT), EXACT.multiply(amount, Decimal("1.000"))):
        assert canonical(same) == text


@given(decimals)
@settings(deadline=None)
def test_the_canonical_form_is_read_back(amount: Decimal) -> None:
    assert parse_decimal(canonical(amount)) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("50.00", "50"), ("16.142", "16.142"), ("1E+3", "1000"), ("-1.50E+1", "-15"), ("0.000", "0"), ("-0", "0"),
        ("-0.000", "0"), ("0E+5", "0"), ("-0E-7", "0"), ("1E-9", "0.000000001"), ("100", "100"), ("-0.10", "-0.1"),
    ],
)  # fmt: skip
def test_the_canonical_form_has_no_exponent_no_trailing_zeros_and_no_lone_point(amount: str, text: str) -> None:
    assert canonical(Decimal(amount)) == text
