"""The one rounding: a precise amount to a statement line, and the exact split of a line. Nothing else rounds money."""

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


def split(total: Decimal, shares: Sequence[Fraction], currency: str) -> list[Decimal]:
    """Split a rounded total by shares that sum to one, so that the parts sum to the total.

    Largest remainder; equal remainders go to the earlier share. A negative total is split as its mirror image.
    A total that is not rounded, or shares that are not the whole, are a fault of the caller.

    >>> split(Decimal("0.05"), [Fraction(1, 2), Fraction(1, 2)], "USD")
    [Decimal('0.03'), Decimal('0.02')]
    """
    unit = minor_unit(currency)
    count = EXACT.divide(total, unit)
    assert count == int(count), f"{total} {currency} is not rounded"
    assert sum(shares) == 1, f"the shares {list(map(str, shares))} are not the whole"
    sign, whole = -1 if count < 0 else 1, abs(int(count))
    exact = [share * whole for share in shares]
    units = [int(part) for part in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: (units[i] - exact[i], i))
    for i in by_remainder[: whole - sum(units)]:
        units[i] += 1
    return [EXACT.multiply(Decimal(sign * part) if part else Decimal(0), unit) for part in units]


def shown(amount: Decimal, currency: str) -> str:
    """Write an amount with the minor digits of its currency: 5 USD is "5.00", 5 JPY is "5".

    Nothing is rounded here: an amount with more digits keeps them, "0.125".
    """
    text = canonical(amount)
    whole, _, fraction = text.partition(".")
    digits = minor_digits(currency) or 0
    return text if len(fraction) >= digits else f"{whole}.{fraction:0<{digits}}"
