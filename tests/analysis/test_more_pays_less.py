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
from tests.builders.terms import rule_set

D = Decimal
CATALOGUE = shipped_catalogue()
QUANTITIES = st.sampled_from(
    [D(text) for text in ("0", "0.5", "0.500001", "1", "9.5", "10", "10.000001", "20.5", "20.6", "31", "80")]
)
ENDS = ((), ("10",), ("10", "20.5"), ("0.5", "1", "30"))
UNITS = ("0", "1", "2.5", "0.333", "7")


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a tier table on a sum, as it is written."""
    ends = [*draw(st.sampled_from(ENDS)), None]
    mode = draw(st.sampled_from(["graduated", "volume"]))
    crossings = ["split", "whole_at_new", "whole_at_old"] if mode == "graduated" else ["split", "whole_at_new"]
    flats = st.sampled_from(["0", "0", "3", "0.05"])
    return {
        "mode": mode,
        "by": {"sum": "order_value"},
        "window": "month",
        "rate": draw(st.sampled_from(["per_unit", "percent"])),
        "steps": [{"up_to": end, "unit": draw(st.sampled_from(UNITS)), "flat": draw(flats)} for end in ends],
        "crossing": draw(st.sampled_from(crossings)),
        "flat_at_zero": draw(st.booleans()),
    }


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
