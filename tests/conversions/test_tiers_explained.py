"""A decision that changes earlier lines is made again from what is stored, and says which lines and why."""

from __future__ import annotations

from sqlalchemy import Connection

from app.conversions.operations.explain_decision import explain_decision, find_decision
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.settle_program import settle_program
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, order, rules, shop
from tests.builders.terms import instant

VOLUME = """
kind: payout
"on": conversion
hit: first
rules: []
otherwise:
  tiers:
    {mode: volume, by: {count: true}, window: month, rate: per_unit, steps: [{up_to: "1", unit: "5"}, {up_to: null, unit: "8"}]}
"""


def test_each_decision_is_reproduced_and_the_crossing_one_explained(
    connection: Connection, catalogue: Catalogue
) -> None:
    runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: instant("1997-09-01"))
    with taken_back(connection), runtime.work("tester") as ctx:
        shop(ctx, "acme")
        agreed(ctx, "acme", "1997-01-01", rules=rules(VOLUME))
        days = {name: f"1997-07-0{day}T12:00:00-04:00" for name, day in (("a", 1), ("b", 2), ("c", 3))}
        for name in ("c", "a", "b"):  # c was the first one of the month, then the second, then the third
            receive_conversions(ctx, [order(name, days[name], "10.00")])
            settle_program(ctx, "shop")
        words = {name: explain_decision(ctx, find_decision(ctx, name, "shop").id).words for name in days}
    assert any("come to 8 instead of 5" in line for line in words["b"])
    assert "Line otherwise (adjustment): 3 precisely, 3.00 USD paid." in words["b"]
    assert not any("adjustment" in line for name in ("a", "c") for line in words[name])
