"""The one rounding: a precise amount to a statement line, the exact split of a line, and money that was converted to the
digits of a fact. Nothing else rounds money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Literal

from app.core.currency import minor_digits, minor_unit
from app.core.money import EXACT, canonical

Rounding = Literal["half_away", "half_even"]

# decimal's ROUND_HALF_UP rounds halves away from zero, for negative amounts too.
_MODES = {"half_away": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}
# Rounding is the one inexact step, so it has a context of its own, wider than any precise amount.
_WIDE = Context(prec=500, Emax=9999, Emin=-9999)


def round_line(amount: Decimal, currency: str, rounding: Rounding = "half_away") -> Decimal:
    """Round a precise amount to the minor unit of its currency.

    >>> round_line(Decimal("0.005"), "USD"), round_line(Decimal("-2.5"), "JPY"), round_line(Decimal("2.5"), "JPY", "half_even")
    (Decimal('0.01'), Decimal('-3'), Decimal('2'))
    """
    rounded = amount.quantize(minor_unit(currency), rounding=_MODES[rounding], context=_WIDE)
    return rounded if rounded else abs(rounded)


def round_converted(amount: Decimal, digits: int) -> Decimal:
    """Round money in another currency, half away from zero, to the digits that facts have.

    >>> round_converted(Decimal("-0.0000005"), 6), round_converted(Decimal("88.0000001"), 6)
    (Decimal('-0.000001'), Decimal('88.000000'))
    """
    rounded = amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=_WIDE)
    return rounded if rounded else abs(rounded)


def round_parts(parts: Sequence[Fraction], currency: str, rounding: Rounding = "half_away") -> list[Decimal]:
    """Round the exact parts of a whole so that they sum to the rounded whole.

    Largest remainder; equal remainders go to the earlier part. A negative whole is rounded as its mirror image.

    >>> round_parts([Fraction("0.025"), Fraction("0.025")], "USD")
    [Decimal('0.03'), Decimal('0.02')]
    """
    unit = minor_unit(currency)
    exact = [part / Fraction(unit) for part in parts]
    sign = -1 if sum(exact) < 0 else 1
    exact = [sign * part for part in exact]
    units = [part.numerator // part.denominator for part in exact]
    whole = _whole(sum(exact, Fraction(0)), rounding)
    by_remainder = sorted(range(len(exact)), key=lambda i: (units[i] - exact[i], i))
    for i in by_remainder[: whole - sum(units)]:
        units[i] += 1
    return [EXACT.multiply(Decimal(sign * part) if part else Decimal(0), unit) for part in units]


def _whole(amount: Fraction, rounding: Rounding) -> int:
    """Round an amount that is not negative to a whole number of minor units."""
    return (
        round(amount)
        if rounding == "half_even"
        else (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)
    )


def shown(amount: Decimal, currency: str) -> str:
    """Write an amount with the minor digits of its currency: 5 USD is "5.00", 5 JPY is "5".

    Nothing is rounded here: an amount with more digits keeps them, "0.125".
    """
    text = canonical(amount)
    whole, _, fraction = text.partition(".")
    digits = minor_digits(currency) or 0
    return text if len(fraction) >= digits else f"{whole}.{fraction:0<{digits}}"
