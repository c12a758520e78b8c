"""An uplift raises prices, a fallback's too; what bounds a payment stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.rulelang.uplift import uplifted


def limit(over: Any) -> dict[str, Any]:
    return {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "100", "over": over}


def test_limits_stay_and_the_prices_of_their_fallbacks_rise() -> None:
    body = {
        "kind": "payout",
        "otherwise": {"clamp": {"flat": "10"}, "max": "20"},
        "limits": [
            limit("partial"),
            limit({"fallback": {"sum": [{"flat": "2"}, {"percent": "1", "of": "order_value"}]}}),
        ],
    }
    assert uplifted(body, Decimal(5)) == {
        "kind": "payout",
        "otherwise": {"clamp": {"flat": "10.5"}, "max": "20"},
        "limits": [
            limit("partial"),
            limit({"fallback": {"sum": [{"flat": "2.1"}, {"percent": "1", "of": "order_value"}]}}),
        ],
    }
