"""A conversion that is shared, reaches a tier and a cap, and comes back in part is told so that every cent can be followed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from app.conversions.operations.explain_decision import explain_decision, find_decisions
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.reverse_conversion import reverse_conversion
from app.engine.reference import ReferenceMatcher
from app.partners.operations.set_attribution_model import set_attribution_model
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, percent, rules, shop
from tests.builders.terms import instant

TIERED = """
kind: payout
"on": conversion
hit: first
rules: []
otherwise:
  tiers:
    mode: graduated
    by: {sum: order_value}
    window: month
    rate: percent
    steps: [{up_to: "1000", unit: "5"}, {up_to: null, unit: "10"}]
limits: [{id: monthly-cap, measure: amount, per: contract, window: month, max: "60.00", over: partial}]
"""


def test_each_step_to_the_cent_is_said(connection: Connection, catalogue: Catalogue) -> None:
    """Worked out by hand in fixtures/attribution/split_capped_and_partly_returned.yaml."""
    runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: instant("1997-08-20"))
    locked = {"lock": {"month_end_days": 10}}
    with taken_back(connection), runtime.work("tester") as ctx:
        shop(ctx, "acme", "bolt")
        set_attribution_model(
            ctx, program="shop", effective_from="1997-01-01", attribution={"model": "linear"}, backdated="restate"
        )
        agreed(ctx, "acme", "1997-01-01", rules=rules(TIERED), settlement=locked)
        agreed(ctx, "bolt", "1997-01-01", rules=rules(percent("8")), settlement=locked)
        receive_conversions(ctx, [early(), shared()])
        reverse_conversion(
            ctx, {"id": "r1", "reason": "RETURN", "amount": "100.00"}, program="shop", conversion="shared"
        )
        mine = next(found for found in find_decisions(ctx, "shared", "shop") if found.partner == "acme")
        words = explain_decision(ctx, mine.id).words
    assert words[2:] == [
        "The touch t1 of acme counts and has 1/2 of the credit (CREDITED): click of 1997-07-08T16:00:00Z; by linear.",
        "The touch t2 of bolt counts and has 1/2 of the credit (CREDITED): view of 1997-07-09T16:00:00Z; by linear.",
        "The credit goes 1/2 to acme, 1/2 to bolt.",
        "No payout rule matches, so otherwise applies.",
        "Calculated: graduated by order_value of a month: 5 % up to 1000, 10 % beyond (order_value is 400, after 900 in the "
        "month) comes to 35.",
        "Of that acme has 1/2.",
        "Line otherwise: 17.5 precisely, 15.00 USD paid.",
        "Line otherwise (reversal:r1): -4.375 precisely, -3.75 USD taken back.",
        "The limit monthly-cap cut it: at most 60.00 per month; 17.50 due, 15.00 left.",
        "Of 400.00 USD, 100.00 came back on 20 August 1997 (r1), after the lock: -3.75 of 15.00 USD; tiers and limits keep "
        "what it counted for.",
        "It locked on 10 August 1997 00:00 America/New_York: 10 days after the end of July.",
    ]


def early() -> dict[str, Any]:
    return _sale("early", "1997-07-09T12:00:00-04:00", "900.00", _touch("t1", "acme", "click", 8))


def shared() -> dict[str, Any]:
    touches = (_touch("t1", "acme", "click", 8), _touch("t2", "bolt", "view", 9))
    return _sale("shared", "1997-07-10T12:00:00-04:00", "400.00", *touches)


def _sale(name: str, at: str, value: str, *touches: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "program": "shop", "event_at": at, "facts": {"order_value": value}, "touches": [*touches]}


def _touch(name: str, partner: str, type: str, day: int) -> dict[str, Any]:
    return {"id": name, "partner": partner, "type": type, "at": f"1997-07-{day:02}T12:00:00-04:00"}
