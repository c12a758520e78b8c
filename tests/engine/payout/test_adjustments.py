"""What a volume table changes on earlier lines: worked by hand for shares, fallbacks, formulas around it, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.engine.counters import Before, Counter, counters_of
from app.engine.payout.lines import due_lines, pay
from app.engine.payout.volume_tables import volume_tables
from app.engine.terms import Terms
from app.rulelang.ast import Payout
from tests.builders.terms import conversion, explained, rule_set, terms

D = Decimal
TABLE = """{tiers: {mode: volume, by: {count: true}, window: month, rate: per_unit,
            steps: [{up_to: "2", unit: "5", flat: "1"}, {up_to: null, unit: "8", flat: "4"}]}}"""
HALF = Fraction(1, 2)


def given_terms(formula: str = TABLE, more: str = "") -> Terms:
    return terms(f"{{payout: {{'on': conversion, hit: first, rules: [], otherwise: {formula}{more}}}}}")


def held(found: Terms, count: str, booked: str, entered: str, **others: str) -> Before:
    values: Mapping[str, str] = {"count": count, "booked": booked, "entered": entered, **others}
    return {counter: D(values.get(counter.measure, "0")) for counter in counters_of(found.payout_body)}


def test_each_partners_table_adjusts_the_shares_that_it_paid() -> None:
    # Two whole conversions and a half one came before: 2 of them counted twice is the end of the first step, so this one,
    # half a share again, reaches the second. Booked are 1.5 at 5.00, with the flat of a whole first conversion.
    found = given_terms()
    before = held(found, "2", "1.5", "1")
    due = due_lines(found.payout_body, found.contract, frozenset(), {}, before, HALF)
    # its own: half of 8.00; the earlier ones: 1.5 × 3.00 and the flat of 4.00 for that of 1.00
    assert [(line.part, line.amount) for line in due.lines] == [("", 4), ("adjustment", Fraction(15, 2))]
    assert sorted(due.booked({}, before, frozenset()).values()) == [0, D("0.5")]


def test_the_first_conversion_enters_the_table_with_its_share() -> None:
    found = given_terms()
    before = held(found, "0", "0", "0")
    due = due_lines(found.payout_body, found.contract, frozenset(), {}, before, HALF)
    assert [(line.part, line.amount) for line in due.lines] == [("", 3)]  # half of 5.00 and 1.00
    assert list(due.booked({}, before, frozenset()).values()) == [D("0.5"), D("0.5")]


def test_a_fallback_takes_the_place_of_what_is_due_for_the_conversion_itself_alone() -> None:
    limits = ', limits: [{id: one, measure: count, per: contract, window: month, max: "2", over: {fallback: {flat: "0.50"}}}]'
    found = given_terms(more=limits)
    before = held(found, "2", "2", "1", paid="2")
    outcome, reasons, lines = pay(found.payout_body, found.contract, frozenset(), {}, before)
    assert (outcome, [reason.rule for reason in reasons]) == ("rated", ["one"])
    assert [(line.rule, line.part, line.amount) for line in lines] == [
        ("one", "fallback", D("0.50")),
        ("otherwise", "adjustment", D("9.00")),
    ]


@pytest.mark.parametrize(
    ("formula", "lines"),
    [
        (f'{{sum: [{TABLE}, {{flat: "0.25"}}]}}', [("", "8.25"), ("adjustment", "9")]),
        (f'{{clamp: {TABLE}, max: "12"}}', [("", "12")]),  # 17 in all
        (f'{{greatest: [{TABLE}, {{flat: "20"}}]}}', [("", "20")]),
        (f"{{sum: [{TABLE}, {TABLE}]}}", [("", "16"), ("adjustment", "18")]),
    ],
)
def test_a_table_books_where_it_stands_by_itself_or_in_a_sum(formula: str, lines: list[tuple[str, str]]) -> None:
    found = given_terms(formula)
    before = held(found, "2", "2", "1")
    _, _, paid = pay(found.payout_body, found.contract, frozenset(), {}, before)
    assert [(line.part, line.amount) for line in paid] == [(part, D(amount)) for part, amount in lines]


def test_the_name_of_bookings_is_that_of_the_rule_and_of_what_the_table_says() -> None:
    def name(formula: str) -> str:
        body = rule_set("payout", f"{{rules: [], otherwise: {formula}}}").body
        assert isinstance(body, Payout)
        return next(volume_tables(body)).name

    assert name(TABLE) == name(TABLE.replace('"5"', '"5.00"'))
    assert name(TABLE) != name(TABLE.replace('"5"', '"6"'))
    assert name(TABLE).startswith("otherwise:")


def test_the_explanation_says_what_changed_and_why() -> None:
    found = given_terms()
    trace = explained(found, conversion(), held(found, "2", "2", "1"))
    assert trace.data["calculations"][-1] == (
        "from 2 to 3 in the month another step is reached: the earlier 2 conversions paid by otherwise come to 20 instead of 11"
    )
    assert "Line otherwise (adjustment): 9 precisely, 9.00 USD paid." in trace.words


ITEMS = """{per_item: items, where: {fact: category, op: eq, value: music}, times: quantity, then: {percent: "10", of: price}}"""


def items(*each: Any) -> Any:
    return [dict(zip(("sku", "quantity", "price", "category"), one, strict=False)) for one in each]


def test_each_item_is_in_the_explanation() -> None:
    found = given_terms(ITEMS)
    one = conversion(items=items(("A", 2, "11.77", "music"), ("B", 1, "5", "books")))
    trace = explained(found, one, {})
    assert trace.data["calculations"] == [
        "item 1 of items: 10 % of price (price is 11.77) comes to 1.177",
        "item 1 of items: 2 times (by quantity) comes to 2.354",
        "item 2 of items does not meet the condition",
        "10 % of price, quantity times, for each item of items with (category is music) comes to 2.354",
    ]
    assert [line.as_dict()["amount"] for line in trace.decision.lines] == ["2.35"]


def test_a_paying_item_without_a_field_that_is_calculated_with_holds_the_conversion() -> None:
    found = given_terms(ITEMS.replace("of: price", "of: discount"))
    both = items(("A", 2, "11.77", "books"), ("B", 1, "5", "music"))
    trace = explained(found, conversion(items=both), {})
    assert [(reason.code, reason.fact) for reason in trace.decision.reasons] == [("MISSING_FACT", "items[2].discount")]
    assert trace.words[-1] == "items[2].discount is needed by payout rule otherwise."


def test_a_counter_of_bookings_is_named_by_its_table() -> None:
    found = given_terms()
    (table,) = volume_tables(found.payout_body)
    assert Counter("booked", "month", table=table.name) in counters_of(found.payout_body)
    assert {counter.measure for counter in counters_of(found.payout_body)} == {"count", "booked", "entered"}
