"""Rounding to a minor unit and splitting: against published tables, and what must hold for every amount."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.currency import minor_unit
from app.core.money import total
from app.core.rounding import Rounding, round_line, round_parts, shown

CURRENCIES = ("USD", "JPY", "KWD", "CLF")
currencies = st.sampled_from(CURRENCIES)
amounts = st.builds(lambda n, scale: Decimal(n).scaleb(-scale), st.integers(-(10**24), 10**24), st.integers(0, 12))
halves = st.builds(
    lambda n, code: (Decimal(2 * n + 1) / 2 * minor_unit(code), code), st.integers(-999, 999), currencies
)
modes: st.SearchStrategy[Rounding] = st.sampled_from(("half_away", "half_even"))


# The table of IEEE 754 roundings as printed in the manuals of Java's RoundingMode: HALF_UP and HALF_EVEN.
@pytest.mark.parametrize(
    ("amount", "half_away", "half_even"),
    [
        ("5.5", "6", "6"), ("2.5", "3", "2"), ("1.6", "2", "2"), ("1.1", "1", "1"), ("1.0", "1", "1"),
        ("-1.0", "-1", "-1"), ("-1.1", "-1", "-1"), ("-1.6", "-2", "-2"), ("-2.5", "-3", "-2"), ("-5.5", "-6", "-6"),
    ],
)  # fmt: skip
def test_the_published_table(amount: str, half_away: str, half_even: str) -> None:
    assert round_line(Decimal(amount), "JPY") == Decimal(half_away)
    assert round_line(Decimal(amount), "JPY", "half_even") == Decimal(half_even)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("0.005", "USD", "0.01"), ("-0.005", "USD", "-0.01"), ("0.00499999999999999999999999999999999", "USD", "0.00"),
        ("1.005", "USD", "1.01"), ("2.675", "USD", "2.68"), ("1.0005", "KWD", "1.001"), ("1.00005", "CLF", "1.0001"),
        ("0.5", "JPY", "1"), ("-0.5", "JPY", "-1"), ("0.4", "JPY", "0"), ("-0.4", "JPY", "0"), ("-0.004", "USD", "0.00"),
        ("99999999999999999999999999999999999.995", "USD", "100000000000000000000000000000000000.00"),
    ],
)  # fmt: skip
def test_halves_go_away_from_zero_at_the_minor_unit(amount: str, currency: str, text: str) -> None:
    assert shown(round_line(Decimal(amount), currency), currency) == text
    assert str(round_line(Decimal(amount), currency)) == text


@given(amounts, currencies, modes)
@settings(deadline=None)
def test_a_rounded_amount_is_the_nearest_and_stays(amount: Decimal, currency: str, mode: Rounding) -> None:
    rounded = round_line(amount, currency, mode)
    unit = Fraction(minor_unit(currency))
    assert (Fraction(rounded) / unit).denominator == 1
    assert abs(Fraction(rounded) - Fraction(amount)) <= unit / 2
    assert round_line(rounded, currency, mode) == rounded
    assert round_line(-amount, currency, mode) == -rounded
    assert not (rounded.is_zero() and rounded.is_signed())


@given(halves)
@settings(deadline=None)
def test_an_exact_half_goes_away_from_zero_or_to_the_even_neighbour(half: tuple[Decimal, str]) -> None:
    amount, currency = half
    away, even = round_line(amount, currency), round_line(amount, currency, "half_even")
    assert abs(away) > abs(amount)
    assert Fraction(even) / Fraction(minor_unit(currency)) % 2 == 0


def test_an_unknown_currency_is_a_fault() -> None:
    with pytest.raises(KeyError, match="XAU"):
        round_line(Decimal(1), "XAU")


shares = (
    st.lists(st.integers(0, 10**6), min_size=1, max_size=12)
    .filter(any)
    .map(lambda weights: [Fraction(weight, sum(weights)) for weight in weights])
)
minor = st.integers(-(10**40), 10**40) | st.integers(-50, 50)


def split(amount: Decimal, shares: list[Fraction], currency: str) -> list[Decimal]:
    """Split a rounded total by shares of the whole."""
    return round_parts([Fraction(amount) * share for share in shares], currency)


@given(minor, shares, currencies)
@settings(deadline=None, max_examples=300)
def test_parts_sum_to_the_total_and_none_is_a_unit_off(count: int, parts: list[Fraction], currency: str) -> None:
    unit = Fraction(minor_unit(currency))
    amount = Decimal(count).scaleb(minor_unit(currency).as_tuple().exponent)  # type: ignore[arg-type]
    found = split(round_line(amount, currency), parts, currency)
    assert len(found) == len(parts)
    assert total(found) == round_line(amount, currency)
    for part, share in zip(found, parts, strict=True):
        assert abs(Fraction(part) - share * Fraction(round_line(amount, currency))) < unit
        assert (Fraction(part) / unit).denominator == 1
        assert not (part.is_zero() and part.is_signed())


@given(st.integers(0, 10**9), shares)
@settings(deadline=None)
def test_a_negative_total_is_split_as_its_mirror_image(count: int, parts: list[Fraction]) -> None:
    amount = Decimal(count).scaleb(-2)
    assert split(-amount, parts, "USD") == [-part for part in split(amount, parts, "USD")]


@given(st.integers(0, 10**6), st.integers(1, 12))
@settings(deadline=None)
def test_equal_shares_differ_by_a_unit_and_the_earlier_has_it(count: int, people: int) -> None:
    found = split(Decimal(count).scaleb(-2), [Fraction(1, people)] * people, "USD")
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] <= Decimal("0.01")


@pytest.mark.parametrize(
    ("amount", "parts", "expected"),
    [
        ("0.05", "1/2 1/2", "0.03 0.02"),
        ("-0.05", "1/2 1/2", "-0.03 -0.02"),
        ("100.00", "1/3 1/3 1/3", "33.34 33.33 33.33"),
        ("0.01", "1/4 1/4 1/2", "0.00 0.00 0.01"),
        ("0.02", "1/3 1/3 1/3", "0.01 0.01 0.00"),
        ("10.00", "1/6 1/6 2/3", "1.67 1.67 6.66"),
        ("0.00", "1/2 1/2", "0.00 0.00"),
        ("1.00", "0 1", "0.00 1.00"),
        ("12345678901234567890123456789012345.67", "1", "12345678901234567890123456789012345.67"),
    ],
)
def test_the_largest_remainder_gets_the_cent_and_a_tie_goes_to_the_earlier(
    amount: str, parts: str, expected: str
) -> None:
    found = split(Decimal(amount), [Fraction(part) for part in parts.split()], "USD")
    assert [shown(part, "USD") for part in found] == expected.split()


@given(st.lists(st.fractions("-100", "100", max_denominator=10**6), min_size=1, max_size=6), currencies, modes)
@settings(deadline=None)
def test_parts_of_any_size_sum_to_their_whole_rounded(parts: list[Fraction], currency: str, mode: Rounding) -> None:
    whole, unit = sum(parts, Fraction(0)), Fraction(minor_unit(currency))
    found = round_parts(parts, currency, mode)
    nearest = whole / unit
    assert abs(Fraction(total(found)) / unit - nearest) <= Fraction(1, 2)
    if whole.denominator in (1, 2, 4, 5, 8, 10, 20, 25, 100):  # then it has an end as a decimal
        written = Decimal(whole.numerator) / Decimal(whole.denominator)
        assert total(found) == round_line(written, currency, mode)
    assert all(abs(Fraction(part) - exact) <= unit for part, exact in zip(found, parts, strict=True))


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("5", "USD", "5.00"), ("5.1", "USD", "5.10"), ("5.00", "JPY", "5"), ("1E+3", "USD", "1000.00"),
        ("-0.00", "USD", "0.00"), ("-0.1", "KWD", "-0.100"), ("0.125", "USD", "0.125"), ("0.5", "JPY", "0.5"),
        ("12.50", "XAU", "12.5"), ("1" * 35, "USD", "1" * 35 + ".00"),
    ],
)  # fmt: skip
def test_an_amount_is_shown_with_the_minor_digits_and_never_rounded_by_it(
    amount: str, currency: str, text: str
) -> None:
    assert shown(Decimal(amount), currency) == text
