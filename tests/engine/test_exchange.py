"""Money of an order in another currency: when it is converted, at which rate, to how many digits, and what it waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.fact_files import shipped_catalogue
from app.engine.attribution import ProgramModel
from app.engine.decision import Decision, Fx
from app.engine.evaluate import Case, case_of, evaluate
from app.engine.exchange import Exchange, Rate, converted
from app.engine.factsheet import typed_facts
from app.engine.reference import ReferenceMatcher
from app.engine.settlement import settlement_from
from app.engine.terms import Terms
from app.engine.trace import explain
from app.rulelang.facts import catalogue_from
from tests.builders.terms import conversion, terms

D = Decimal
TENTH = "payout: {otherwise: {percent: '10', of: order_value}}"
FLAT = "payout: {otherwise: {flat: '1'}}"
NOON = "1999-03-03T12:00:00-05:00"
Rates = dict[tuple[str, str, str], str]
EURO: Rates = {("EUR", "USD", "1999-03-03"): "1.10"}
EUROS = {"order_value": "80.00", "currency": "EUR"}


def agreed(text: str = TENTH, settlement: Any = None, **contract: Any) -> Terms:
    found = terms(text, **contract)
    return replace(found, version=replace(found.version, settlement=settlement_from(settlement)))


def case(of: Terms, facts: dict[str, Any], rates: Rates, at: str, program: str) -> Case:
    known = {(a, b, date.fromisoformat(day)): Rate(D(rate), "ECB") for (a, b, day), rate in rates.items()}
    exchange = Exchange(shipped_catalogue(), lambda source, target, day, final_at: known.get((source, target, day)))
    return case_of(conversion("c1", at, **facts), lambda partner: of, ProgramModel(), program, exchange)


def decided(of: Terms, facts: dict[str, Any], rates: Rates = EURO, at: str = NOON, program: str = "USD") -> Decision:
    return evaluate(case(of, facts, rates, at, program), ReferenceMatcher(), lambda terms: {})["acme"]


def held_for(decision: Decision) -> list[str]:
    assert decision.outcome == "held", decision
    return [f"{reason.code}: {reason.actual}" for reason in decision.reasons]


def test_the_rate_is_on_the_decision_and_on_every_line() -> None:
    bonus = "bonuses: [{id: more, when: {always: true}, then: {flat: '1'}}]"
    decision = decided(agreed(TENTH.replace("}}", "}, " + bonus + "}")), EUROS).as_dict()
    fx = {"from": "EUR", "to": "USD", "rate": "1.1", "date": "1999-03-03", "policy": "event", "source": "ECB"}
    assert decision["fx"] == fx
    assert [(line["amount"], line["fx"]) for line in decision["lines"]] == [("8.80", fx), ("1.00", fx)]


@pytest.mark.parametrize(
    ("facts", "program", "rate", "amount"),
    [
        ({"order_value": "80.00"}, "USD", None, "8.00"),
        ({"order_value": "80.00"}, "EUR", "1.1", "8.80"),  # in the program's currency, which is not the contract's
        ({"order_value": "80.00", "currency": "USD"}, "EUR", None, "8.00"),
        ({"order_value": "80.00", "currency": "EUR"}, "USD", "1.1", "8.80"),
    ],
)
def test_an_order_is_in_the_currency_it_names_or_in_its_programs(
    facts: dict[str, Any], program: str, rate: str | None, amount: str
) -> None:
    decision = decided(agreed(), facts, program=program)
    assert decision.amount == D(amount)
    assert decision.as_dict().get("fx", {}).get("rate") == rate


@pytest.mark.parametrize("currency", ["GBP", "eur", "EUR ", "€", "USDT"])
def test_without_a_rate_of_just_this_currency_it_is_held(currency: str) -> None:
    decision = decided(agreed(), {**EUROS, "currency": currency})
    assert held_for(decision) == [f"NO_RATE: no rate from {currency} to USD is recorded for 1999-03-03"]
    assert "rate" not in decision.as_dict()["fx"]


def test_no_rate_is_made_of_others() -> None:
    others: Rates = {
        ("USD", "EUR", "1999-03-03"): "0.5",  # the other way round
        ("EUR", "GBP", "1999-03-03"): "0.7",  # by way of a third currency
        ("GBP", "USD", "1999-03-03"): "1.6",
        ("EUR", "USD", "1999-03-02"): "1.1",  # the day before, and the day after
        ("EUR", "USD", "1999-03-04"): "1.1",
    }
    assert held_for(decided(agreed(), EUROS, others)) == ["NO_RATE: no rate from EUR to USD is recorded for 1999-03-03"]


def test_what_reads_no_money_does_not_wait() -> None:
    decision = decided(agreed(FLAT), EUROS, {})
    assert (decision.outcome, decision.amount, decision.fx) == ("rated", D("1.00"), None)
    # Nor does what reads an amount that the order does not carry.
    optional = FLAT.replace(
        "{otherwise", "{rules: [{id: a, when: {fact: tax, op: gt, value: '1'}, then: {flat: '2'}}], otherwise"
    )
    assert decided(agreed(optional), EUROS, {}).amount == D("1.00")
    assert held_for(decided(agreed(optional), {**EUROS, "tax": "3"}, {}))


def test_a_missing_fact_is_said_before_a_missing_rate() -> None:
    decision = decided(agreed(), {"currency": "EUR", "tax": "1"}, {})
    assert [reason.code for reason in decision.reasons] == ["MISSING_FACT"]


def test_conditions_read_converted_money_and_say_so() -> None:
    least = "eligibility: {rules: [{id: large, when: {fact: order_value, op: gte, value: '50'}, then: accept}], otherwise: {reject: TOO_SMALL}}"
    assert decided(agreed(f"{least}\n{FLAT}"), {**EUROS, "order_value": "45.454546"}).outcome == "rated"  # 50.0000006
    refused = decided(agreed(f"{least}\n{FLAT}"), {**EUROS, "order_value": "45.454545"})  # 49.9999995, as a fact 50
    assert refused.outcome == "rated"
    refused = decided(agreed(f"{least}\n{FLAT}"), {**EUROS, "order_value": "45.454544"})  # 49.9999984
    assert [reason.as_dict() for reason in refused.reasons] == [
        {"code": "TOO_SMALL", "rule": "otherwise", "fact": "order_value", "expected": "≥ 50.00", "actual": "49.999998"}
    ]


@pytest.mark.parametrize(
    ("value", "rate", "fact"),
    [
        ("0.000001", "0.5", "0.000001"),  # half away from zero
        ("-0.000001", "0.5", "-0.000001"),
        ("0.000001", "0.499999999", "0.000000"),
        ("-0.000001", "0.499999999", "0.000000"),  # and no minus zero
        ("12.345678", "1.1", "13.580246"),  # 13.5802458
        ("10000", "0.0067", "67.000000"),
        ("12.345", "3.25", "40.121250"),
    ],
)
def test_money_is_rounded_to_the_six_digits_of_a_fact_half_away_from_zero(value: str, rate: str, fact: str) -> None:
    facts, _ = typed_facts({"order_value": value, "quantity": 3}, shipped_catalogue(), "")
    found = converted(facts, Fx("EUR", "USD", "fixed", None, D(rate)), shipped_catalogue())
    assert found == {"order_value": D(fact), "quantity": 3}
    assert str(found["order_value"]) == fact  # type: ignore[call-overload]


def test_money_of_items_and_declared_facts_is_converted_and_nothing_else() -> None:
    entries = {
        "fee": {"type": "decimal", "unit": "money", "meaning": "a fee"},
        "weight": {"type": "decimal", "unit": "kg", "meaning": "a weight"},
    }
    catalogue = shipped_catalogue().extended({fact.name: fact for fact in catalogue_from(entries)})
    raw = {
        "fee": "2",
        "weight": "2",
        "items": [
            {"sku": "a", "quantity": 2, "price": "3", "discount": "0.5"},
            {"sku": "b", "quantity": 1, "price": "4"},
        ],
    }
    facts, wrong = typed_facts(raw, catalogue, "")
    assert not wrong
    found = converted(facts, Fx("EUR", "USD", "fixed", None, D("1.5")), catalogue)
    assert found == {
        "fee": D("3"),
        "weight": D("2"),
        "items": (
            {"sku": "a", "quantity": 2, "price": D("4.5"), "discount": D("0.75")},
            {"sku": "b", "quantity": 1, "price": D("6")},
        ),
    }


def test_what_cannot_be_converted_is_held_and_not_left_as_it_is() -> None:
    too_much = decided(agreed(), {**EUROS, "order_value": "4611686018427"}, {("EUR", "USD", "1999-03-03"): "1.000001"})
    assert [(reason.code, reason.fact) for reason in too_much.reasons] == [("NOT_CONVERTED", "order_value")]
    whole = catalogue_from({"fee": {"type": "integer", "unit": "money", "meaning": "a fee in whole units"}})
    found = converted({"fee": 3}, Fx("EUR", "USD", "fixed", None, D("1.5")), whole)
    assert isinstance(found, tuple)
    assert [(reason.code, reason.fact) for reason in found] == [("NOT_CONVERTED", "fee")]


LOCK = {"lock": {"day_of_month": 10}, "fx": {"date": "lock"}}


@pytest.mark.parametrize(
    ("settlement", "at", "day"),
    [
        (None, "1999-03-03T23:59:59.999999-05:00", "1999-03-03"),
        (None, "1999-03-04T00:00:00-05:00", "1999-03-04"),
        ({"fx": {"date": "event"}}, "1999-03-04T04:59:59Z", "1999-03-03"),
        (LOCK, "1999-03-31T23:59:59-05:00", "1999-04-10"),
        (LOCK, "1999-04-01T00:00:00-05:00", "1999-05-10"),
        ({**LOCK, "lock": {"event_days": 2}}, "1999-03-03T23:00:00-05:00", "1999-03-05"),
        ({**LOCK, "lock": {"event_days": 3660}}, "9990-03-03T23:00:00-05:00", "9999-12-31"),
    ],
)
def test_the_day_is_the_contracts_local_one_of_the_event_or_of_the_lock(settlement: Any, at: str, day: str) -> None:
    fx = decided(agreed(settlement=settlement), EUROS, {("EUR", "USD", day): "2"}, at).as_dict()["fx"]
    assert (fx["date"], fx["rate"]) == (day, "2")


def test_a_rate_of_the_lock_is_waited_for_by_its_name() -> None:
    assert held_for(decided(agreed(settlement=LOCK), EUROS)) == [
        "NO_RATE: no rate from EUR to USD is recorded for 1999-04-10, the day of the lock"
    ]


def test_a_fixed_rate_is_the_contracts_and_no_other() -> None:
    fixed = {"fx": {"date": "fixed", "rates": {"EUR": "1.25"}}}
    decision = decided(agreed(settlement=fixed), EUROS)
    assert decision.amount == D("10.00")
    assert decision.as_dict()["fx"] == {"from": "EUR", "to": "USD", "rate": "1.25", "policy": "fixed"}
    pounds = {**EUROS, "currency": "GBP"}
    waiting = decided(agreed(settlement=fixed), pounds, {("GBP", "USD", "1999-03-03"): "1.6"})
    assert held_for(waiting) == ["NO_RATE: the contract agrees no rate from GBP to USD"]


def test_the_inputs_hash_and_the_digest_cover_the_rate() -> None:
    """Also where it makes no difference to any amount: the rules pay one dollar for an order above zero."""
    flat = agreed("payout: {rules: [{id: a, when: {fact: order_value, op: gt, value: '0'}, then: {flat: '1'}}]}")
    nothing = {"order_value": "0", "currency": "EUR"}
    one, two = (decided(flat, nothing, {("EUR", "USD", "1999-03-03"): rate}) for rate in ("1.10", "1.11"))
    assert one.amount == two.amount
    assert one.inputs_hash != two.inputs_hash
    assert decided(flat, nothing, {("EUR", "USD", "1999-03-03"): "1.1"}) == one


MONEY = st.decimals("-9999999", "9999999", places=2)


@given(value=MONEY, tax=MONEY, rate=st.decimals("0.001", "1000", places=3), says=st.booleans())
def test_an_order_in_the_contracts_currency_is_left_as_it_is(value: D, tax: D, rate: D, says: bool) -> None:
    facts = {"order_value": str(value), "tax": str(tax), **({"currency": "USD"} if says else {})}
    rates = {(a, b, "1999-03-03"): str(rate) for a, b in (("USD", "USD"), ("EUR", "USD"), ("USD", "EUR"))}
    of = agreed("payout: {otherwise: {sum: [{percent: '10', of: order_value}, {amount: tax}]}}")
    assert decided(of, facts, rates).as_dict() == decided(of, facts, {}).as_dict()
    assert "fx" not in decided(of, facts, rates).as_dict()


@given(value=st.decimals("0", "9999999", places=2), rate=st.decimals("0.000001", "1000", places=6))
def test_a_converted_order_is_decided_as_one_of_that_amount(value: D, rate: D) -> None:
    """The exact product, worked out with whole numbers, to six digits."""
    scaled = int(value * 100) * int(rate * 10**6)  # ten to the eighth
    expected = D((scaled + 50) // 100) / 10**6
    rates = {("EUR", "USD", "1999-03-03"): str(rate)}
    there = decided(agreed(), {"order_value": str(value), "currency": "EUR"}, rates)
    here = decided(agreed(), {"order_value": str(expected)})
    assert [(line.amount, line.amount_precise) for line in there.lines] == [
        (line.amount, line.amount_precise) for line in here.lines
    ]


def test_it_is_explained_amount_by_amount() -> None:
    of = agreed("payout: {otherwise: {sum: [{percent: '10', of: order_value}, {amount: tax}]}}")
    given_case = case(of, {**EUROS, "tax": "2.50", "shipping": "1"}, EURO, NOON, "USD")
    trace = explain(given_case, "acme", {"acme": {}})
    assert trace.words[2:4] == [
        "order_value: EUR 80.00 at 1.10 (ECB, 3 March 1999) = USD 88.00.",
        "tax: EUR 2.50 at 1.10 (ECB, 3 March 1999) = USD 2.75.",
    ]
    assert trace.data["exchange"]["amounts"] == [
        {"fact": "order_value", "was": "80.00", "is": "88.00"},
        {"fact": "tax", "was": "2.50", "is": "2.75"},
    ]
    waiting = explain(case(of, EUROS | {"tax": "1"}, {}, NOON, "USD"), "acme", {"acme": {}})
    assert (waiting.data["eligibility"], waiting.data["payout"]) == ([], []), "no rule was asked"
    assert waiting.words[-1] == "It is held: NO_RATE, no rate from EUR to USD is recorded for 1999-03-03."
    yen = explain(
        case(
            agreed(), {"order_value": "10000", "currency": "JPY"}, {("JPY", "USD", "1999-03-03"): "0.0067"}, NOON, "USD"
        ),
        "acme",
        {"acme": {}},
    )
    assert yen.words[2] == "order_value: JPY 10000 at 0.0067 (ECB, 3 March 1999) = USD 67.00."
    agreed_rate = agreed(settlement={"fx": {"date": "fixed", "rates": {"EUR": "1.25"}}})
    fixed = explain(case(agreed_rate, EUROS, {}, NOON, "USD"), "acme", {"acme": {}})
    assert fixed.words[2] == "order_value: EUR 80.00 at 1.25 (agreed in the contract) = USD 100.00."
    locked = explain(
        case(agreed(settlement=LOCK), EUROS, {("EUR", "USD", "1999-04-10"): "1.25"}, NOON, "USD"), "acme", {"acme": {}}
    )
    assert locked.words[2] == "order_value: EUR 80.00 at 1.25 (ECB, 10 April 1999, the day of the lock) = USD 100.00."
