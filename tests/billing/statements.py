"""A statement with everything on it that a form has to cope with: names to be afraid of, corrections, and a late line."""

from __future__ import annotations

from typing import Any

from app.billing.operations.bill_at_once import bill_at_once
from app.contracts.operations.create_contract import create_contract
from app.conversions.operations.receive_conversions import receive_conversions
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.runtime import Context
from tests.builders.agreements import agreed, order, rules

NAME = """<script>alert(1)</script> & "Söhne" 'GmbH' \u202etxt.exe"""
# Ids that others chose, each with what it pays at 2.5 %: order value and amount worked out by hand.
HOSTILE = {
    '=HYPERLINK("http://evil")': ("10.01", "0.25"),
    "+1+1": ("20.00", "0.50"),
    "-2+3": ("30.00", "0.75"),
    "@SUM(A1)": ("40.00", "1.00"),
    "'quoted": ("50.00", "1.25"),
    'a;"=1+1",b': ("60.00", "1.50"),
    "<b>&amp;</b>": ("70.00", "1.75"),
    "＝1+1": ("80.00", "2.00"),
    "back\\slash\\n": ("90.00", "2.25"),
}


def paying(rate: str) -> dict[str, Any]:
    """Return payout rules that pay a percentage, by a rule of its own for orders under 25.00."""
    small = {"fact": "order_value", "op": "lt", "value": "25.00"}
    rate_of = {"percent": rate, "of": "order_value"}
    rule = {"id": "a-first", "when": small, "then": rate_of}
    return {"kind": "payout", "on": "conversion", "hit": "first", "rules": [rule], "otherwise": rate_of}


def hostile_statement(ctx: Context) -> None:
    """Bill July 1997 of acme: nine conversions with ids to be afraid of; then amend the terms from 1 July to 2 %, and bill
    again: nine corrections."""
    create_program(ctx, id="shop", currency="USD", timezone="America/New_York", name=NAME)
    create_partner(ctx, id="acme", name="=" + NAME)
    create_contract(ctx, id="acme", program="shop", partner="acme")
    agreed(ctx, "acme", "1997-01-01", rules=rules(paying("2.5")))
    # Two hours after midnight in UTC is the evening before in New York.
    sent = [
        order(identifier, f"1997-07-{day + 1:02}T02:00:00Z", value, order_id=f"=o{day}")
        for day, (identifier, (value, _)) in enumerate(HOSTILE.items(), start=1)
    ]
    receive_conversions(ctx, sent)
    bill_at_once(ctx, contract="acme", period="1997-07", poster="fay")
    agreed(ctx, "acme", "1997-07-01", rules=rules(paying("2")))
    bill_at_once(ctx, contract="acme", period="1997-07", poster="fay")
