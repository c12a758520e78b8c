"""A decision under limits is explained from what it was made of: with what was left, and what became of the rest."""

from __future__ import annotations

from typing import Any

from app.contracts.operations.create_contract import create_contract
from app.conversions.operations.explain_decision import explain_decision
from app.conversions.operations.preview_decision import preview_decision
from app.conversions.operations.receive_conversions import receive_conversion
from app.partners.operations.create_program import create_program
from app.runtime import Context
from tests.builders.agreements import agreed, order, percent, rules, shop

LIMITS = """
kind: payout
"on": conversion
hit: first
rules: []
otherwise: {percent: "10", of: order_value}
limits:
  - {id: full, measure: amount, per: partner, window: month, max: "10.00", over: {fallback: {percent: "1", of: order_value}}}
  - {id: two, measure: count, per: customer, window: month, max: "2", over: reject}
"""


def sent(ctx: Context, identifier: str, day: int, value: str, **more: Any) -> Any:
    body = order(identifier, f"1997-07-{day:02}T12:00:00Z", value, **{"customer_id": "ann", **more})
    receipt = receive_conversion(ctx, body)
    return explain_decision(ctx, receipt.decisions[0].id)


def test_each_decision_under_limits_is_made_again_and_told(ctx: Context) -> None:
    shop(ctx, "acme")
    create_program(ctx, id="other", currency="USD", timezone="UTC")
    create_contract(ctx, id="acme_other", program="other", partner="acme")
    agreed(ctx, "acme", "1997-01-01", rules=rules(LIMITS))
    agreed(ctx, "acme_other", "1997-01-01", rules=rules(percent("50")))
    elsewhere = {**order("elsewhere", "1997-07-01T00:00:00-04:00", "4.00"), "program": "other"}
    receive_conversion(ctx, elsewhere)
    fits = sent(ctx, "fits", 2, "80.00")  # 8.00 after 2.00 elsewhere
    assert fits.decision["amount"] == "8.00"
    assert fits.trace["before"] == {"amount:full/month/partner": "2", "paid/month/customer": "0"}
    beyond = sent(ctx, "beyond", 3, "50.00")
    assert beyond.decision["amount"] == "0.50"
    assert beyond.words[-1] == (
        "The limit full pays 1 % of order_value instead: at most 10.00 per partner and month; 5.00 due, 0.00 left."
    )
    refused = sent(ctx, "refused", 4, "50.00")
    assert refused.decision["outcome"] == "ineligible"
    assert refused.words[-2:] == [
        "It is ineligible: LIMIT_REACHED, the limit full lets through at most 10.00 per partner and month; 5.00 due, 0.00 left.",
        "It is ineligible: LIMIT_REACHED, the limit two lets through at most 2 paid conversions per customer and month; 2 paid already.",
    ]
    preview = preview_decision(ctx, order("p", "1997-07-05T12:00:00Z", "10.00", customer_id="bob"))
    assert str(preview.decisions["acme"].amount) == "0.10"
