"""More never pays less, unless the check has warned of the table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.fact_files import shipped_catalogue
from app.analysis.tier_totals import falling_totals
from app.engine.payout.tiers import priced
from app.rulelang.ast import Payout, Tiers
from tests.builders.random_tiers import tables
from tests.builders.terms import rule_set

D = Decimal
CATALOGUE = shipped_catalogue()
QUANTITIES = st.sampled_from(
    [D(text) for text in ("0", "0.5", "0.500001", "1", "9.5", "10", "10.000001", "20.5", "20.6", "31", "80")]
)


@settings(max_examples=300)
@given(tables(), QUANTITIES, QUANTITIES, QUANTITIES)
def test_an_order_that_is_larger_pays_no_less_where_nothing_was_warned_of(
    table: dict[str, Any], before: Decimal, one: Decimal, other: Decimal
) -> None:
    payout = rule_set("payout", {"otherwise": {"tiers": table}}).body
    assert isinstance(payout, Payout)
    tiers = payout.otherwise
    assert isinstance(tiers, Tiers)
    less, more = (priced(tiers, before, quantity, is_open=True) for quantity in sorted((one, other)))
    assert less <= more or falling_totals(payout, CATALOGUE)
