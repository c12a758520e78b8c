"""Three decisions whose digests and words are fixed. Nothing is left to defaults: any change here is a change of what
was written, not of the engine."""

from __future__ import annotations

from decimal import Decimal

from app.engine.counters import Before
from app.engine.factsheet import Conversion
from app.engine.terms import Terms
from tests.builders.terms import conversion, terms

TERMS = """
eligibility:
  kind: eligibility
  rules:
    - {id: minimum, when: {fact: order_value, op: gte, value: "5.00"}, then: accept}
  otherwise: {reject: BELOW_MINIMUM}
attribution: {kind: attribution, qualify: [], claims: accept}
payout:
  kind: payout
  "on": conversion
  hit: first
  rules:
    - id: first_order
      name: First orders
      when: {fact: customer_order_number, op: eq, value: 1}
      then: {clamp: {percent: "8", of: order_value}, max: "15.00"}
  otherwise:
    tiers:
      mode: graduated
      by: {count: true}
      window: month
      rate: per_unit
      steps: [{up_to: "200", unit: "1"}, {up_to: null, unit: "1.5"}]
  bonuses:
    - {id: ctv, when: {fact: device_type, op: eq, value: ctv}, then: {flat: "0.125"}}
  limits:
    - {id: cap, measure: amount, per: contract, window: month, max: "1500.00", over: partial}
"""


def golden(name: str) -> tuple[Terms, Conversion, Before]:
    """Return the terms, conversion and counters of the `rated`, `ineligible` or `capped` decision."""
    found = terms(TERMS)
    one, count, amount = {
        "rated": (conversion("c1", order_value="77.00", customer_id="u1", number=1), "3", "20"),
        "ineligible": (conversion("c2", order_value="4.99", customer_id="u1", number=2), "4", "26.16"),
        "capped": (
            conversion(
                "c3", "1997-07-31T23:59:59-04:00", order_value="10", customer_id="u2", number=2, device_type="ctv"
            ),
            "200",
            "1499.00",
        ),
    }[name]
    held = {"count": count, "amount": amount}
    return found, one, {counter: Decimal(held[counter.measure]) for counter in found.counters_since}
