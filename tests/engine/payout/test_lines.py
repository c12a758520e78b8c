"""From matching rules to what is paid: hit policy, bonuses, the one rounding, and limits that are never exceeded."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.currency import minor_unit
from app.core.rounding import round_line
from app.engine.counters import Counter
from app.engine.decision import Decision, Line
from app.engine.payout.limits import within_limits
from app.engine.payout.lines import Due, DueLine, rounded_together
from app.rulelang.ast import Limit
from tests.builders.terms import conversion, decide, terms

D = Decimal
TWO_RULES = """
payout:
  hit: %s
  rules:
    - {id: small, when: {fact: order_value, op: gt, value: "10"}, then: {percent: "1", of: order_value}}
    - {id: large, when: {fact: order_value, op: gt, value: "100"}, then: {percent: "2", of: order_value}}
  otherwise: %s
  bonuses:
    - {id: ctv, when: {fact: device_type, op: eq, value: ctv}, then: {flat: "0.125"}}
    - {id: us, when: {fact: country, op: eq, value: US}, then: {flat: "1"}}
"""


def paid(text: str, **facts: Any) -> Decision:
    return decide(terms(text), conversion(**facts))


def lines(decision: Decision) -> list[tuple[str, str, str]]:
    shown = [line.as_dict() for line in decision.lines]
    return [(line["rule"], line["amount_precise"], line["amount"]) for line in shown]


@pytest.mark.parametrize(
    ("hit", "value", "expected"),
    [
        ("first", "100.00", [("small", "1", "1.00")]),
        ("first", "100.01", [("small", "1.0001", "1.00")]),
        ("sum", "100.01", [("small", "1.0001", "1.00"), ("large", "2.0002", "2.00")]),
        ("unique", "100.00", [("small", "1", "1.00")]),
        ("first", "10.00", [("otherwise", "0.5", "0.50")]),
        ("sum", "10.00", [("otherwise", "0.5", "0.50")]),
        ("unique", "10.00", [("otherwise", "0.5", "0.50")]),
    ],
)
def test_hit_says_which_of_the_rules_that_match_pay(hit: str, value: str, expected: list[Any]) -> None:
    assert lines(paid(TWO_RULES % (hit, '{flat: "0.5"}'), order_value=value)) == expected


def test_two_hits_where_one_is_allowed_hold_the_payment() -> None:
    decision = paid(TWO_RULES % ("unique", '{flat: "0"}'), order_value="100.01", country="US")
    assert (decision.outcome, decision.lines, decision.credit) == ("held", (), ())
    assert [reason.as_dict() for reason in decision.reasons] == [{"code": "AMBIGUOUS_PAYOUT", "rule": "small, large"}]


def test_otherwise_may_hold_and_then_bonuses_are_held_too() -> None:
    decision = paid(TWO_RULES % ("first", "{hold: NO_RATE}"), order_value="5", country="US")
    assert (decision.outcome, decision.lines) == ("held", ())
    assert [reason.as_dict() for reason in decision.reasons] == [{"code": "NO_RATE", "rule": "otherwise"}]


def test_each_bonus_is_a_line_of_its_own_whatever_the_hit_policy() -> None:
    for hit in ("first", "unique", "sum"):
        decision = paid(TWO_RULES % (hit, '{flat: "0"}'), order_value="77", country="US", device_type="ctv")
        assert lines(decision) == [("small", "0.77", "0.77"), ("ctv", "0.125", "0.13"), ("us", "1", "1.00")]
        assert decision.amount == D("1.90")


def test_a_line_is_rounded_once_and_the_total_is_the_sum_of_rounded_lines() -> None:
    text = """
    payout:
      hit: sum
      rules:
        - {id: a, when: {always: true}, then: {percent: "0.5", of: order_value}}
        - {id: b, when: {always: true}, then: {sum: [{flat: "0.004"}, {flat: "0.001"}]}}
    """
    decision = paid(text, order_value="1")
    assert lines(decision) == [("a", "0.005", "0.01"), ("b", "0.005", "0.01")]
    assert decision.amount == D("0.02")
    assert [line.formula for line in decision.lines] == ["percent", "sum"]


HALVES = ["0.5", "1.5", "2.5", "-0.5", "-2.5", "0.499", "0.501"]


@pytest.mark.parametrize(
    ("currency", "unit", "rounding", "expected"),
    [
        ("JPY", "1", "half_away", ["1", "2", "3", "-1", "-3", "0", "1"]),
        ("JPY", "1", "half_even", ["0", "2", "2", "0", "-2", "0", "1"]),
        ("USD", "0.01", "half_away", ["0.01", "0.02", "0.03", "-0.01", "-0.03", "0.00", "0.01"]),
        ("USD", "0.01", "half_even", ["0.00", "0.02", "0.02", "0.00", "-0.02", "0.00", "0.01"]),
        ("KWD", "0.001", "half_away", ["0.001", "0.002", "0.003", "-0.001", "-0.003", "0.000", "0.001"]),
        ("KWD", "0.001", "half_even", ["0.000", "0.002", "0.002", "0.000", "-0.002", "0.000", "0.001"]),
    ],
)
def test_a_contract_rounds_to_its_currency_by_its_own_rule(
    currency: str, unit: str, rounding: str, expected: list[str]
) -> None:
    found = terms("payout: {otherwise: {amount: order_value}}", currency=currency, rounding=rounding)
    amounts = [str(D(half) * D(unit)) for half in HALVES]
    decided = [decide(found, conversion(order_value=amount)) for amount in amounts]
    assert [one.as_dict()["lines"][0]["amount"] for one in decided] == expected
    assert [one.as_dict()["amount"] for one in decided] == expected


# ------------------------------------------------------------ missing facts


def test_a_fact_only_a_formula_reads_is_needed_only_where_that_formula_pays() -> None:
    text = """
    payout:
      rules: [{id: units, when: {fact: country, op: eq, value: US}, then: {sum: [{per_unit: "1", of: quantity}, {amount: tax}]}}]
      otherwise: {flat: "1"}
      bonuses: [{id: ship, when: {fact: is_trial, op: eq, value: true}, then: {amount: shipping}}]
    """
    assert paid(text).outcome == "rated"
    held = paid(text, country="US", is_trial=True)
    assert held.outcome == "held"
    assert [reason.as_dict() for reason in held.reasons] == [
        {"code": "MISSING_FACT", "rule": "units", "fact": "quantity"},
        {"code": "MISSING_FACT", "rule": "units", "fact": "tax"},
        {"code": "MISSING_FACT", "rule": "ship", "fact": "shipping"},
    ]
    assert paid(text, country="US", quantity=2, tax="0.5").amount == D("2.50")


# ------------------------------------------------------------------- limits

CAPPED = """
payout:
  hit: sum
  rules:
    - {id: a, when: {always: true}, then: {percent: "10", of: order_value}}
    - {id: b, when: {fact: country, op: eq, value: US}, then: {flat: "1"}}
  limits: [{id: cap, measure: amount, per: contract, window: month, max: "%s", over: partial}]
"""
AMOUNT = Counter("amount", "month")


def capped(most: str, spent: str, currency: str = "USD", **facts: Any) -> Decision:
    return decide(terms(CAPPED % most, currency=currency), conversion(**facts), {AMOUNT: D(spent)})


@pytest.mark.parametrize(
    ("spent", "paid_", "reason"),
    [
        ("0", "10.00", None),
        ("1490.00", "10.00", None),
        ("1490.01", "9.99", "10.00 due, 9.99 left"),
        ("1499.99", "0.01", "10.00 due, 0.01 left"),
        ("1500.00", "0.00", "10.00 due, 0.00 left"),
        ("1600.00", "0.00", "10.00 due, 0.00 left"),
    ],
)
def test_what_is_left_is_paid_to_the_cent_and_then_nothing(spent: str, paid_: str, reason: str | None) -> None:
    decision = capped("1500", spent, order_value="100")
    assert lines(decision) == [("a", "10", paid_)]
    assert decision.outcome == "rated"
    assert [one.as_dict() for one in decision.reasons] == (
        []
        if reason is None
        else [{"code": "LIMIT_REACHED", "rule": "cap", "expected": "at most 1500.00 per month", "actual": reason}]
    )


def test_lines_are_cut_in_their_order() -> None:
    decision = capped("10.50", "0", order_value="100", country="US")
    assert lines(decision) == [("a", "10", "10.00"), ("b", "1", "0.50")]
    decision = capped("5", "0", order_value="100", country="US")
    assert [line.amount for line in decision.lines] == [5, 0]
    assert [reason.actual for reason in decision.reasons] == ["10.00 due, 5.00 left", "1.00 due, 0.00 left"]


def test_a_limit_works_on_rounded_amounts() -> None:
    decision = capped("10", "9.99", order_value="0.05")  # 0.005 is rounded to 0.01, of which 0.01 is left
    assert (decision.amount, decision.reasons) == (D("0.01"), ())
    decision = capped("10", "9.99", order_value="0.15")
    assert decision.amount == D("0.01")
    assert decision.reasons[0].actual == "0.02 due, 0.01 left"


def test_a_maximum_finer_than_the_currency_never_makes_a_line_that_cannot_be_paid() -> None:
    decision = capped("1.015", "0", order_value="100")
    assert decision.amount == D("1.01")
    assert (decision.reasons[0].expected, decision.reasons[0].actual) == (
        "at most 1.015 per month",
        "10.00 due, 1.01 left",
    )
    decision = capped("7.9", "0", "JPY", order_value="100")
    assert (decision.as_dict()["amount"], decision.reasons[0].expected) == ("7", "at most 7.9 per month")
    assert capped("7", "0", "JPY", order_value="100").reasons[0].expected == "at most 7 per month"


def within(due: list[Line], limits: tuple[Limit, ...], before: Any, currency: str) -> tuple[Any, Any]:
    """Cut lines by limits that have no fallbacks."""
    found = within_limits(due, limits, before, currency, lambda limit: pytest.fail(limit.id))
    return found.lines, list(found.reasons)


def limits(*most: str) -> tuple[Limit, ...]:
    return tuple(Limit(f"l{n}", "amount", "contract", "month", D(cap), "partial") for n, cap in enumerate(most))


def test_the_lowest_of_several_limits_counts_in_any_order() -> None:
    due = [Line("a", "flat", D(10), D("10.00"), "USD")]
    for caps, reasons in ((("5", "3"), ["l0", "l1"]), (("3", "5"), ["l0"])):
        cut, why = within(due, limits(*caps), {AMOUNT: D(0)}, "USD")
        assert [line.amount for line in cut] == [3]
        assert [reason.rule for reason in why] == reasons


def test_a_line_of_zero_is_not_cut() -> None:
    assert within([Line("a", "flat", D(0), D("0.00"), "USD")], limits("5"), {AMOUNT: D(5)}, "USD")[1] == []


@given(
    st.decimals("0", "30", places=3),
    st.lists(st.lists(st.decimals("0", "9", places=4), min_size=1, max_size=3), max_size=12),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_what_is_paid_is_the_lesser_of_the_maximum_and_what_is_due(
    most: Decimal, events: list[list[Decimal]], currency: str
) -> None:
    spent, due = D(0), D(0)
    payable = most.quantize(minor_unit(currency), ROUND_FLOOR)
    for amounts in events:
        given_lines = [
            Line(f"r{n}", "flat", amount, round_line(amount, currency), currency) for n, amount in enumerate(amounts)
        ]
        cut, reasons = within(given_lines, limits(str(most)), {AMOUNT: spent}, currency)
        due += sum(line.amount for line in given_lines)
        spent += sum(line.amount for line in cut)
        assert [line.amount_precise for line in cut] == amounts
        assert len(reasons) == sum(line.amount != full.amount for line, full in zip(cut, given_lines, strict=True))
    assert spent == min(payable, due)


def halves(amount: str, currencies: tuple[str, str] = ("USD", "USD"), *, is_shared: bool = True) -> list[str]:
    """Return what two partners get of an amount each half of whose is theirs, in the order of their touches."""
    due = {}
    for partner, currency in zip(("zulu", "acme"), currencies, strict=True):
        contract = terms("", currency=currency).contract
        due[partner] = Due(contract, (DueLine("base", "percent", Fraction(amount) / 2, is_shared),))
    return [str(line.amount) for lines in rounded_together(due).values() for line in lines]


def test_a_shared_line_sums_to_the_rounded_whole_and_the_odd_cent_goes_to_the_earlier_touch() -> None:
    assert halves("10.01") == ["5.01", "5.00"]
    assert halves("-10.01") == ["-5.01", "-5.00"]
    assert halves("10.004") == ["5.00", "5.00"]  # by itself each half, 5.002, would be 5.00 too
    assert halves("0.01") == ["0.01", "0.00"]  # and here each half, 0.005, would be 0.01


def test_lines_in_two_currencies_and_bonuses_are_no_parts_of_a_whole() -> None:
    assert halves("0.01", ("USD", "EUR")) == ["0.01", "0.01"]
    assert halves("0.01", is_shared=False) == ["0.01", "0.01"]
