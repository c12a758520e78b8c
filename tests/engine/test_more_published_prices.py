"""More prices that public manuals print, each with the page it is from, priced through `quote`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.core.money import canonical, total
from app.engine.quote import Quote, quote

STRIPE = "docs.stripe.com/subscriptions/pricing-models/tiered-pricing"
STRIPE_TIERS = "stripe.com/docs/billing/subscriptions/tiers"
LAGO = "getlago.com/docs/guide/plans/charges/charge-models/package"
CHARGEBEE = "chargebee.com/docs/billing/2.0/product-catalog/package-pricing"
ZUORA = "knowledgecenter.zuora.com: Charge models, Tiered pricing"
SOLVIMON = "docs.solvimon.com/docs/staircase-pricing"
METRIFOX = "docs.metrifox.com/pricing-models"
ORACLE = "docs.oracle.com: Banking Liquidity Management, 17.3.1.1 Examples for Tier Based Amount"


def tiers(mode: str, *steps: tuple[str | None, str, str]) -> dict[str, Any]:
    listed = [{"up_to": up_to, "unit": unit, "flat": flat} for up_to, unit, flat in steps]
    return {"tiers": {"mode": mode, "by": {"sum": "q"}, "window": "month", "rate": "per_unit", "steps": listed}}


FONTS = (("5", "7", "0"), ("10", "6.5", "0"), (None, "6", "0"))
CLASSIC = (("5", "5", "0"), ("10", "4", "0"), ("15", "3", "0"), ("20", "2", "0"), (None, "1", "0"))
BLENDED = (("1000", "0.10", "0"), (None, "0.08", "0"))
SLABS = (("250", "1", "0"), ("500", "2", "0"), (None, "3", "0"))
SLAB_FLATS = (("250", "0", "10"), ("500", "0", "20"), (None, "0", "30"))
PUBLISHED = [
    (STRIPE, tiers("volume", *FONTS), "6", "39"),
    (STRIPE, tiers("volume", *FONTS), "20", "120"),
    (STRIPE, tiers("graduated", *FONTS), "5", "35"),
    (STRIPE_TIERS, tiers("volume", *CLASSIC), "20", "40"),
    (STRIPE_TIERS, tiers("volume", *CLASSIC), "25", "25"),
    (STRIPE_TIERS, tiers("graduated", *CLASSIC), "6", "29"),
    (LAGO, {"package": {"size": "100", "amount": "5", "free": "100"}, "of": "q"}, "201", "10"),
    (CHARGEBEE, {"package": {"size": "1000000", "amount": "1.25"}, "of": "q"}, "10", "1.25"),
    (CHARGEBEE, {"package": {"size": "1000000", "amount": "1.25"}, "of": "q"}, "1000000", "1.25"),
    (CHARGEBEE, {"package": {"size": "1000000", "amount": "1.25"}, "of": "q"}, "1500000", "2.5"),
    (ZUORA, tiers("graduated", ("5", "0", "0"), ("7", "0", "200"), ("9", "0", "100"), (None, "75", "0")), "8.5", "300"),
    (SOLVIMON, tiers("graduated", ("100", "0", "25"), ("1000", "0", "20"), (None, "0", "15")), "200", "45"),
    (METRIFOX, tiers("graduated", *BLENDED), "2500", "220"),
    (METRIFOX, tiers("volume", *BLENDED), "2500", "200"),
    (ORACLE, tiers("graduated", *SLABS), "1000", "2250"),
    (ORACLE, tiers("volume", *SLABS), "1000", "3000"),
    (ORACLE, tiers("graduated", *SLAB_FLATS), "1000", "60"),
    (ORACLE, tiers("volume", *SLAB_FLATS), "1000", "30"),
]


@pytest.mark.parametrize(("source", "formula", "quantity", "price"), PUBLISHED)
def test_the_printed_price_comes_out(source: str, formula: dict[str, Any], quantity: str, price: str) -> None:
    found = quote({"formula": formula, "facts": {"q": quantity}, "source": source})
    assert isinstance(found, Quote), found
    assert found.as_dict()["amount_precise"] == price


@pytest.mark.parametrize(("source", "formula", "quantity", "price"), [case for case in PUBLISHED if "tiers" in case[1]])
def test_it_comes_to_the_same_in_two_goes(source: str, formula: dict[str, Any], quantity: str, price: str) -> None:
    rest = canonical(Decimal(quantity) - 3)
    halves = [{"facts": {"q": "3"}}, {"facts": {"q": rest}, "before": {"sum": "3", "count": 1}}]
    found = [quote({"formula": formula, "source": source, **half}) for half in halves]
    assert canonical(total(one.amount_precise for one in found if isinstance(one, Quote))) == price
