"""Currencies and their minor units, from the ISO 4217 table of the `iso4217` package (not from Babel, whose cash
roundings differ). Rates between currencies are not kept here."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from iso4217 import Currency


def minor_digits(code: str) -> int | None:
    """Return the number of digits after the point of a currency (JPY 0, USD 2, KWD 3), or None if it is unknown.

    Codes without a minor unit (gold, testing codes) count as unknown: nothing can be paid in them.
    """
    return _table().get(code)


@cache
def minor_unit(code: str) -> Decimal:
    """Return the smallest amount of a known currency: USD gives Decimal("0.01"). KeyError for an unknown one."""
    digits = minor_digits(code)
    if digits is None:
        raise KeyError(code)
    return Decimal(1).scaleb(-digits)


@cache
def _table() -> dict[str, int]:
    return {currency.code: int(currency.exponent) for currency in Currency if currency.exponent is not None}
