"""Exact decimal numbers: how they are read, calculated and written. Rounding to a currency is `rounding.py`'s.

The default decimal context rounds silently at 28 digits. Everything here uses `EXACT`, which is wide enough for
any product the rule language can form and faults instead of rounding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

EXACT = Context(prec=400, Emax=9999, Emin=-9999, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
ZERO = Decimal(0)

SHAPE = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", re.ASCII)


def parse_decimal(text: str) -> Decimal | None:
    """Read a decimal string, or return None when it does not have the shape of one.

    The shape is checked before `Decimal()` sees the text: ASCII digits, at most 18 before and 9 after the point,
    no exponent, no plus sign, no spaces. So "1e9", "NaN", "١" and a megabyte of digits never get in.

    >>> parse_decimal("12.50"), parse_decimal("1e3"), parse_decimal(".5")
    (Decimal('12.50'), None, None)
    """
    return Decimal(text) if SHAPE.fullmatch(text) else None


def times(left: Decimal, right: Decimal) -> Decimal:
    """Multiply exactly."""
    return EXACT.multiply(left, right)


def plus(left: Decimal, right: Decimal) -> Decimal:
    """Add exactly."""
    return EXACT.add(left, right)


def minus(left: Decimal, right: Decimal) -> Decimal:
    """Subtract exactly."""
    return EXACT.subtract(left, right)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add up exactly; zero for none."""
    result = ZERO
    for amount in amounts:
        result = EXACT.add(result, amount)
    return result


def percent_of(rate: Decimal, base: Decimal) -> Decimal:
    """Return `rate` percent of `base`; "5" means 5 %.

    >>> percent_of(Decimal("2.5"), Decimal("10.01"))
    Decimal('0.25025')
    """
    return EXACT.multiply(rate, base).scaleb(-2, EXACT)


def canonical(amount: Decimal) -> str:
    """Write a decimal in its one canonical form: no exponent, no trailing zeros, no lone point, no minus zero.

    >>> [canonical(Decimal(x)) for x in ("50.00", "16.142", "1E+3", "-0.0")]
    ['50', '16.142', '1000', '0']
    """
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
