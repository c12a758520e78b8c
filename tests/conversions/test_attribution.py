"""Credit for touches as it is stored and explained: to the house, to partners, by the model of its day, in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.conversions.operations.explain_decision import explain_decision, find_decisions
from app.conversions.operations.get_conversion import get_conversion
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_records
from app.engine.reference import ReferenceMatcher
from app.partners.operations.set_attribution_model import set_attribution_model
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, rules, shop
from tests.builders.terms import instant

NOW = instant("1997-09-01T00:00:00Z")
LIMITED = """
kind: payout
"on": conversion
hit: first
rules: []
otherwise: {percent: "10", of: order_value}
limits: [{id: cap, measure: amount, per: contract, window: month, max: "6.00", over: partial}]
"""
COUPON = {"id": "code", "exclusive_coupon": {"codes": ["CATO"], "partner": "cato"}}
LINEAR = {"model": "linear", "overrides": [COUPON]}


def touch(name: str, partner: str, day: int) -> dict[str, Any]:
    return {"id": name, "partner": partner, "type": "click", "at": f"1997-07-{day:02}T12:00:00-04:00"}


def sale(name: str, day: int, value: str, *touches: dict[str, Any], **facts: Any) -> dict[str, Any]:
    at = f"1997-07-{day:02}T12:00:00-04:00"
    return {
        "id": name,
        "program": "shop",
        "event_at": at,
        "facts": {"order_value": value, **facts},
        "touches": [*touches],
    }


SALES = [
    sale("c1", 10, "33.33", touch("t1", "acme", 8), touch("t2", "bolt", 9)),
    sale("c2", 11, "44.45", touch("t1", "bolt", 8), touch("t2", "acme", 8), touch("t3", "acme", 9)),
    sale("c3", 11, "20.01", touch("t1", "acme", 9), coupon_code="CATO"),
    sale("c4", 20, "99.99", touch("t1", "bolt", 12), touch("t2", "cato", 13), touch("t3", "acme", 19)),
]


def stage(ctx: Context, payout: str = LIMITED) -> None:
    shop(ctx, "acme", "bolt", "cato")
    for name in ("acme", "bolt", "cato"):
        agreed(ctx, name, "1997-01-01", rules=rules(payout))
    set_attribution_model(ctx, program="shop", effective_from="1997-06-01", attribution=LINEAR, backdated="restate")


def test_the_house_is_told_of_every_touch_and_a_partner_of_its_own(runtime: Runtime) -> None:
    with runtime.work("tester") as ctx:
        ctx = ctx.at(NOW)
        stage(ctx)
        receive_conversions(ctx, SALES)
        found = {row.partner: row.id for row in find_decisions(ctx, "c1")}
        explained = explain_decision(ctx, found["acme"])
    assert explained.decision["credit"] == [{"partner": "acme", "share": "1/2"}]
    assert explained.decision["rule_versions"]["model"]["number"] == 2
    assert explained.trace is not None
    assert [(each["touch"], each["code"], each["share"]) for each in explained.trace["attribution"]["touches"]] == [
        ("t1", "CREDITED", "1/2"),
        ("t2", "CREDITED", "1/2"),
    ]
    assert (
        "The touch t2 of bolt counts and has 1/2 of the credit (CREDITED): click of 1997-07-09T16:00:00Z; by linear."
        in explained.words
    )
    assert "The credit goes 1/2 to acme, 1/2 to bolt." in explained.words
    with runtime.work("reader", partner="acme") as ctx:
        own = explain_decision(ctx, found["acme"])
        assert own.decision == explained.decision
        assert not any("bolt" in text or "07-09" in text for text in (repr(own.trace), *own.words))
        assert "A touch of another partner counts and has 1/2 of the credit." in own.words


def test_the_owner_of_a_coupon_reads_a_conversion_that_it_did_not_touch(runtime: Runtime) -> None:
    with runtime.work("tester") as ctx:
        ctx = ctx.at(NOW)
        stage(ctx)
        receive_conversions(ctx, SALES)
    with runtime.work("reader", partner="cato") as ctx:
        found = get_conversion(ctx, program="shop", conversion="c3")
        (decision,) = found.decisions
        assert (decision.partner, decision.outcome, list(found.touches)) == ("cato", "rated", [])
        words = explain_decision(ctx, decision.id).words
        assert "A touch of another partner does not count." in words
        assert "The override code goes before the model." in words


def test_a_decision_is_explained_by_the_model_of_its_day(runtime: Runtime) -> None:
    with runtime.work("tester") as ctx:
        ctx = ctx.at(NOW)
        stage(ctx)
        receive_conversions(ctx, SALES)
        before = {row.partner: row.id for row in find_decisions(ctx, "c1")}
        last = {"model": "last_touch"}
        set_attribution_model(ctx, program="shop", effective_from="1997-07-01", attribution=last, backdated="restate")
        after = {row.partner: row for row in find_decisions(ctx, "c1")}
        # Model 2 made it and model 3 replaced it; both are explained, each by its own.
        assert explain_decision(ctx, before["acme"]).decision["amount"] == "1.67"
        assert [after[name].outcome for name in ("acme", "bolt")] == ["unattributed", "rated"]
        assert explain_decision(ctx, after["bolt"].id).decision["amount"] == "3.33"


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(SALES), st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_order_of_arrival_of_touches_and_conversions_changes_nothing(
    connection: Connection, catalogue: Catalogue, shuffled: list[Any], cut: int, random: Any
) -> None:
    def come_to(parts: list[list[Any]]) -> Any:
        runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: NOW)
        with taken_back(connection), runtime.work("tester") as ctx:
            stage(ctx)
            for part in parts:
                receive_conversions(ctx, part)
            settle_program(ctx, "shop")
            return current_records(ctx.session, "shop")

    mixed = [{**one, "touches": random.sample(one["touches"], len(one["touches"]))} for one in shuffled]
    assert come_to([mixed[:cut], mixed[cut:]]) == come_to([SALES])
