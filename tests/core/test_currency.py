"""Minor units, against the published ISO 4217 list one (maintenance agency SIX)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.core.currency import minor_digits, minor_unit

PUBLISHED = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR MGA MRU MXN NOK NZD PLN SEK SGD THB TRY TWD USD ZAR",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


@pytest.mark.parametrize(("code", "digits"), [(code, n) for n, codes in PUBLISHED.items() for code in codes.split()])
def test_the_published_minor_units(code: str, digits: int) -> None:
    assert minor_digits(code) == digits
    assert minor_unit(code) == Decimal(10) ** -digits


@pytest.mark.parametrize(
    "code", ["XAU", "XAG", "XPT", "XPD", "XDR", "XSU", "XUA", "XBA", "XBB", "XBC", "XBD", "XTS", "XXX"]
)
def test_nothing_is_paid_in_what_has_no_minor_unit(code: str) -> None:
    assert minor_digits(code) is None
    with pytest.raises(KeyError, match=code):
        minor_unit(code)


@pytest.mark.parametrize(
    "code", ["", "usd", "Usd", "US", "USDD", " USD", "USD\n", "ＵＳＤ", "840", "ZZZ", "__A", "x" * 99]
)
def test_anything_else_is_no_currency(code: str) -> None:
    assert minor_digits(code) is None
