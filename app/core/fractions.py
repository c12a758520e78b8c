"""Exact shares: how fractions are written, and what a fraction of an amount is as a decimal. Rounding is `rounding.py`'s."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from app.core.money import EXACT

WHOLE = Fraction(1)
PLACES = 12
"""Where a fraction of an amount has no end as a decimal, it is written with so many places."""

_WIDE = Context(prec=500, Emax=9999, Emin=-9999)


def fraction_text(share: Fraction) -> str:
    """Write a share in its one form.

    >>> [fraction_text(Fraction(x)) for x in ("1", "2/6", "0.5")]
    ['1', '1/3', '1/2']
    """
    return str(share)


def as_decimal(value: Fraction) -> Decimal:
    """Return a fraction as a decimal: exactly where it has an end, else rounded half even to 12 places. What is paid is
    rounded from the fraction, never from this.

    >>> as_decimal(Fraction(5, 8)), as_decimal(Fraction(10, 3))
    (Decimal('0.625'), Decimal('3.333333333333'))
    """
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:
        return EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
    found = _WIDE.divide(Decimal(value.numerator), Decimal(value.denominator))
    return found.quantize(Decimal(1).scaleb(-PLACES), rounding=ROUND_HALF_EVEN, context=_WIDE)
