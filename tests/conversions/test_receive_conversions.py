"""Taking conversions in: accepted, known already, refused; and what each leaves behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from app.contracts.operations.create_contract import create_contract
from app.conversions.errors import ConversionDiffers, ConversionRefused, DecisionNotReproduced, ProgramWithoutContract
from app.conversions.operations.explain_decision import explain_decision, find_decision
from app.conversions.operations.preview_decision import preview_decision
from app.conversions.operations.receive_conversions import receive_conversion, receive_conversions
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.runtime import Context
from app.store.models import Conversion, Decision
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.builders.owner import as_owner

NOW = datetime(1997, 9, 1, tzinfo=UTC)
CLICK = {"id": "t1", "partner": "acme", "type": "click", "at": "1997-07-01T10:00:00-04:00"}


@pytest.fixture
def then(ctx: Context) -> Context:
    ctx = ctx.at(NOW)
    shop(ctx, "acme")
    agreed(ctx, "acme", "1997-01-01", rules=rules(percent("5")))
    return ctx


def test_the_same_conversion_again_is_known_and_pays_once(then: Context) -> None:
    first = receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "100.00"))
    # The same instant and the same number, written differently, are the same conversion.
    again = receive_conversion(then, order("c1", "1997-07-02T14:00:00Z", "100.0"))
    assert (first.status, again.status) == ("accepted", "duplicate")
    assert again.decisions == first.decisions
    assert then.session.query(Decision).count() == 1


def test_other_content_under_a_known_id_is_refused(then: Context) -> None:
    receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "100.00"))
    with pytest.raises(ConversionDiffers) as refused:
        receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "100.01"))
    assert refused.value.findings[0].pointer == "/id"


def test_touches_are_part_of_what_was_sent_in_whatever_order(then: Context) -> None:
    other = {**CLICK, "id": "t2", "type": "view", "facts": {"touch.placement": "menu"}}
    body = order("c1", "1997-07-02T10:00:00-04:00", "100.00")
    assert receive_conversion(then, {**body, "touches": [CLICK, other]}).status == "accepted"
    assert receive_conversion(then, {**body, "touches": [other, CLICK]}).status == "duplicate"
    moved = {**other, "facts": {"touch.placement": "home"}}
    for touches in ([], [CLICK], [CLICK, moved], [CLICK, {**other, "partner": "bolt"}]):
        with pytest.raises(ConversionDiffers):
            receive_conversion(then, {**body, "touches": touches})
    found = explain_decision(then, find_decision(then, "c1").id)
    assert (found.decision["outcome"], found.decision["credit"]) == ("rated", [{"partner": "acme", "share": "1"}])


def test_a_bad_line_does_not_lose_the_others(then: Context) -> None:
    bodies: list[Any] = [
        order("c1", "1997-07-02T10:00:00-04:00", "100.00"),
        {**order("c2", "1997-07-02T10:00:00", "100.00")},
        order("c1", "1997-07-02T10:00:00-04:00", "100.00"),
        order("c1", "1997-07-02T10:00:00-04:00", "9.00"),
        17,
        order("c3", "1997-07-02T10:00:00-04:00", "1.00"),
    ]
    receipts = receive_conversions(then, bodies)
    assert [receipt.status for receipt in receipts] == [
        "accepted",
        "refused",
        "duplicate",
        "refused",
        "refused",
        "accepted",
    ]
    assert {row.id for row in then.session.query(Conversion)} == {"c1", "c3"}


@pytest.mark.parametrize(
    ("change", "pointer", "code", "hint"),
    [
        ({"event_at": "1997-07-02T10:00:00"}, "/event_at", "naive_time", "1997-07-02T10:00:00Z"),
        ({"event_at": "soon"}, "/event_at", "bad_instant", ""),
        ({"event_at": "1990-12-31T23:59:60Z"}, "/event_at", "bad_instant", "such as"),
        ({"event_at": "9999-12-31T23:59:59Z"}, "/event_at", "bad_instant", "such as"),
        ({"event_at": None}, "/event_at", "missing_key", ""),
        ({"id": ""}, "/id", "wrong_type", ""),
        ({"id": None}, "/id", "missing_key", ""),
        ({"partners": "acme"}, "/partners", "unknown_key", "did you mean 'partner'?"),
        ({"facts": {"order_valeu": "1.00"}}, "/facts/order_valeu", "unknown_fact", "did you mean 'order_value'?"),
        ({"facts": {"order_value": 1.5}}, "/facts/order_value", "float_refused", 'write it as a string: "1.5"'),
        ({"facts": {"order_value": "1e3"}}, "/facts/order_value", "value_not_of_type", ""),
        ({"facts": {"customer_order_number": 1}}, "/facts/customer_order_number", "derived_fact", "leave it out"),
        ({"facts": None}, "/facts", "missing_key", ""),
        ({"touches": {}}, "/touches", "wrong_type", ""),
        ({"touches": [7]}, "/touches/0", "wrong_type", ""),
        ({"touches": [{**CLICK, "type": "clik"}]}, "/touches/0/type", "unknown_choice", "did you mean 'click'?"),
        ({"touches": [{**CLICK, "at": "1997-07-01T10:00:00"}]}, "/touches/0/at", "naive_time", "1997-07-01T10:00:00Z"),
        ({"touches": [{**CLICK, "partner": None}]}, "/touches/0/partner", "missing_key", ""),
        ({"touches": [{**CLICK, "partnr": "x"}]}, "/touches/0/partnr", "unknown_key", "did you mean 'partner'?"),
        ({"touches": [CLICK, CLICK]}, "/touches/1/id", "duplicate_id", "once"),
        ({"touches": [{**CLICK, "id": f"t{n}"} for n in range(51)]}, "/touches", "too_many_members", "latest"),
        ({"touches": [{**CLICK, "facts": {"touch.age": "P1D"}}]}, "/touches/0/facts/touch.age", "derived_fact", ""),
        ({"touches": [{**CLICK, "facts": {"sku": "x"}}]}, "/touches/0/facts/sku", "unknown_fact", ""),
        (
            {"touches": [{**CLICK, "facts": {"touch.placement": 5}}]},
            "/touches/0/facts/touch.placement",
            "value_not_of_type",
            "",
        ),
        ({"received_at": "1997-09-01T00:00:01Z"}, "/received_at", "future_time", ""),
    ],
)
def test_what_is_wrong_is_said_with_a_pointer(
    then: Context, change: dict[str, Any], pointer: str, code: str, hint: str
) -> None:
    with pytest.raises(ConversionRefused) as refused:
        receive_conversion(then, {**order("c1", "1997-07-02T10:00:00-04:00", "100.00"), **change})
    (finding,) = refused.value.findings
    assert (finding.pointer, finding.code) == (pointer, code)
    assert hint in (finding.hint or "")
    assert then.session.query(Conversion).count() == 0


def test_a_program_without_a_contract_refuses_conversions(ctx: Context) -> None:
    create_program(ctx, id="shop", currency="USD", timezone="America/New_York")
    with pytest.raises(ProgramWithoutContract) as refused:
        receive_conversion(ctx, order("c1", "1997-07-02T10:00:00-04:00", "1.00"))
    assert refused.value.findings[0].pointer == "/program"


def test_a_preview_decides_like_the_real_thing_and_keeps_nothing(then: Context) -> None:
    body = order("c1", "1997-07-02T10:00:00-04:00", "100.00")
    previewed = preview_decision(then, body).decisions["acme"]
    assert then.session.query(Conversion).count() == 0
    received = receive_conversion(then, body)
    (decision,) = received.decisions
    assert decision.amount == previewed.amount == 5


def test_a_decision_is_explained_and_proved(then: Context) -> None:
    receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "100.10"))
    found = explain_decision(then, find_decision(then, "c1").id)
    assert found.trace is not None
    assert found.decision["amount"] == "5.01"
    assert any("5 % of order_value" in word and "5.005" in word for word in found.words)


def test_a_retired_decision_is_explained_even_when_it_was_retired_in_the_same_instant(then: Context) -> None:
    receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "100.00"))
    first = find_decision(then, "c1").id
    agreed(then, "acme", "1997-07-01", rules=rules(percent("8")))
    assert find_decision(then, "c1").amount == 8
    assert explain_decision(then, first).decision["amount"] == "5.00"


def test_a_late_approval_is_decided_anew_and_the_old_decision_is_kept(then: Context) -> None:
    receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "100.00"))
    first = find_decision(then, "c1")
    later = then.at(datetime(1997, 9, 2, tzinfo=UTC))
    agreed(later, "acme", "1997-07-01", rules=rules(percent("8")))
    second = find_decision(later, "c1")
    assert (first.amount, second.amount) == (5, 8)
    then.session.refresh(first)
    assert (first.retired_at, second.retired_at) == (later.now(), None)
    # The old one is still explained by what was known when it was made.
    assert explain_decision(later, first.id).decision["amount"] == "5.00"


@pytest.mark.parametrize("partner", ["acme", "stranger", None])
@pytest.mark.parametrize(
    "tampering",
    [
        'UPDATE conversions SET facts = \'{"order_value": "9.00"}\'',
        'UPDATE decisions SET record = record || \'{"amount": "9.00"}\'',
    ],
)
def test_a_decision_that_was_tampered_with_is_not_explained(then: Context, partner: str | None, tampering: str) -> None:
    receive_conversion(then, {**order("c1", "1996-07-02T10:00:00-04:00", "100.00"), "partner": partner})
    decision = find_decision(then, "c1").id
    assert explain_decision(then, decision).words
    with as_owner(then.session.connection()) as owner:
        owner.execute(text("SET LOCAL session_replication_role = replica"))  # who owns the server can pass its triggers
        owner.execute(text(tampering))
        owner.execute(text("SET LOCAL session_replication_role = origin"))
    then.session.expire_all()
    with pytest.raises(DecisionNotReproduced):
        explain_decision(then, decision)


def test_a_retired_decision_says_what_took_its_place(then: Context) -> None:
    receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "100.00"))
    first = find_decision(then, "c1").id
    agreed(then, "acme", "1997-07-01", rules=rules(percent("8")))
    second = find_decision(then, "c1").id
    assert (
        explain_decision(then, first).words[-1]
        == f"It was retired at 1997-09-01T00:00:00Z; the decision {second} took its place."
    )


def test_the_reason_does_not_depend_on_whether_the_partner_or_the_claim_came_first(then: Context) -> None:
    receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "1.00", partner="globex"))
    assert find_decision(then, "c1").record["reasons"][0]["code"] == "UNKNOWN_PARTNER"
    create_partner(then, id="globex")
    assert find_decision(then, "c1").record["reasons"][0]["code"] == "NO_CONTRACT"
    create_contract(then, id="globex", program="shop", partner="globex")
    assert find_decision(then, "c1").record["reasons"][0]["code"] == "BEFORE_START"


def test_a_version_that_another_clock_recorded_later_is_in_force_all_the_same(then: Context) -> None:
    """Two servers whose clocks differ: what is approved is approved."""
    agreed(then.at(datetime(1997, 9, 1, 0, 5, tzinfo=UTC)), "acme", "1997-07-01", rules=rules(percent("8")))
    receipt = receive_conversion(then, order("c1", "1997-07-02T10:00:00-04:00", "100.00"))
    (decision,) = receipt.decisions
    assert decision.amount == 8
