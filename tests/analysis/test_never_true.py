"""A condition that no conversion meets is found, whatever it is made of; one that some conversion meets is not."""

from __future__ import annotations

import pytest

from app.analysis import texts
from tests.builders.witnesses import analysed, decided

NEVER = {
    "hours that exclude each other": "{all: [{fact: hour, op: gt, value: 20}, {fact: hour, op: lt, value: 9}]}",
    "two countries": "{all: [{fact: country, op: eq, value: US}, {fact: country, op: eq, value: CA}]}",
    "there and missing": "{all: [{fact: country, op: missing}, {fact: country, op: eq, value: US}]}",
    "not there, but required": "{fact: order_value, op: missing}",
    "a start that the text has not": "{all: [{fact: country, op: starts_with, value: US}, {fact: country, op: in, value: [CA, UK]}]}",
    "two starts": "{all: [{fact: sku, op: starts_with, value: AB}, {fact: sku, op: starts_with, value: AC}]}",
    "a longer start without the shorter": "{all: [{fact: sku, op: starts_with, value: ABC}, {not: {fact: sku, op: starts_with, value: AB, if_missing: no_match}}]}",
    "a part without its part": "{all: [{fact: sku, op: contains, value: ABC}, {not: {fact: sku, op: contains, value: B, if_missing: no_match}}]}",
    "a start that holds a part": "{all: [{fact: sku, op: starts_with, value: ABC}, {not: {fact: sku, op: contains, value: BC, if_missing: no_match}}]}",
    "a member of an empty list": "{all: [{fact: skus, op: contains, value: A}, {fact: skus, op: is_empty}]}",
    "all members but one of them": "{all: [{fact: skus, op: contains_all, value: [A, B]}, {not: {fact: skus, op: contains_any, value: [B, C], if_missing: match}}]}",
    "none of all words of an enum": "{fact: device_type, op: not_in, value: [ctv, desktop, mobile, tablet, other], if_missing: no_match}",
    "a list with none of an enum's words": "{all: [{not: {fact: fulfilment_methods, op: contains_any, value: [delivery, digital, pickup], if_missing: match}}, {not: {fact: fulfilment_methods, op: is_empty, if_missing: match}}]}",
    "neither true nor false": "{all: [{fact: is_trial, op: neq, value: true, if_missing: no_match}, {fact: is_trial, op: neq, value: false, if_missing: no_match}]}",
    "nothing between neighbours": "{all: [{fact: order_value, op: gt, value: '1.000001'}, {fact: order_value, op: lt, value: '1.000002'}]}",
    "no whole number between": "{all: [{fact: quantity, op: gt, value: 1}, {fact: quantity, op: lt, value: 2}]}",
    "no value below the lowest": "{fact: order_value, op: lt, value: '-4611686018427.387903'}",
    "the wrong weekday": "{all: [{fact: local_date, op: eq, value: '2024-02-29'}, {fact: weekday, op: neq, value: thursday}]}",
    "a month outside the dates": "{all: [{fact: month, op: eq, value: 2}, {fact: local_date, op: between, value: ['2024-03-01', '2025-01-31']}]}",
    "29 February of no leap year": "{all: [{fact: month, op: eq, value: 2}, {fact: local_date, op: gt, value: '1900-02-28'}, {fact: local_date, op: lt, value: '1901-01-31'}]}",
    "the order before the first": "{fact: customer_order_number, op: lt, value: 1}",
    "a numbered order of nobody": "{all: [{fact: customer_order_number, op: gte, value: 1}, {fact: customer_id, op: missing}]}",
    "two facts both ways": "{all: [{fact: tax, op: lt, value: {fact: shipping}}, {fact: shipping, op: lt, value: {fact: tax}}]}",
    "three facts in a ring": "{all: [{fact: tax, op: lt, value: {fact: shipping}}, {fact: shipping, op: lt, value: {fact: discount}}, {fact: discount, op: lt, value: {fact: tax}}]}",
    "equal texts with unequal starts": "{all: [{fact: sku, op: eq, value: {fact: plan}}, {fact: sku, op: starts_with, value: A}, {fact: plan, op: starts_with, value: B}]}",
    "shorter than nothing": "{fact: session_length, op: lt, value: PT0S}",
    "an item among items that are all cheaper": "{all: [{any_item: items, where: {fact: price, op: gt, value: '10'}}, {every_item: items, where: {fact: price, op: lt, value: '10'}, if_missing: no_match}]}",
    "an item that none is": "{all: [{any_item: items, where: {all: [{fact: price, op: gt, value: '10'}, {fact: on_sale, op: eq, value: true}]}}, {no_item: items, where: {fact: on_sale, op: eq, value: true, if_missing: no_match}, if_missing: match}]}",
    "an item of an empty list": "{all: [{fact: items, op: is_empty}, {any_item: items, where: {always: true}}]}",
    "an item without what items need": "{any_item: items, where: {fact: price, op: missing}}",
    "the opposite of always": "{not: {always: true}}",
}  # fmt: skip
SOMETIMES = {
    "one value between": "{all: [{fact: order_value, op: gt, value: '1.000001'}, {fact: order_value, op: lt, value: '1.000003'}]}",
    "the highest value": "{fact: order_value, op: gt, value: '4611686018427.387902'}",
    "29 February": "{all: [{fact: month, op: eq, value: 2}, {fact: local_date, op: gt, value: '2024-02-28'}, {fact: local_date, op: lt, value: '2025-01-31'}]}",
    "a weekday of a month of a year": "{all: [{fact: weekday, op: eq, value: sunday}, {fact: month, op: eq, value: 12}, {fact: local_date, op: gte, value: '2031-01-01'}]}",
    "an absent fact that counts": "{all: [{fact: country, op: eq, value: US, if_missing: match}, {fact: country, op: eq, value: CA, if_missing: match}]}",
    "a text longer than its start": "{all: [{fact: country, op: starts_with, value: U}, {fact: country, op: neq, value: U, if_missing: no_match}]}",
    "a text with two parts": "{all: [{fact: sku, op: starts_with, value: BA}, {fact: sku, op: contains, value: AB}, {not: {fact: sku, op: contains, value: BAB, if_missing: match}}]}",
    "the empty text": "{all: [{fact: country, op: exists}, {fact: country, op: eq, value: ''}]}",
    "different texts that no rule names": "{all: [{fact: country, op: neq, value: {fact: region}, if_missing: no_match}, {fact: country, op: neq, value: US, if_missing: no_match}, {fact: region, op: neq, value: US, if_missing: no_match}]}",
    "other members only": "{not: {any: [{fact: skus, op: is_empty, if_missing: match}, {fact: skus, op: contains, value: other, if_missing: match}]}}",
    "two unlike items": "{all: [{any_item: items, where: {fact: price, op: gt, value: '10'}}, {any_item: items, where: {fact: price, op: lt, value: '5'}}, {every_item: items, where: {fact: quantity, op: eq, value: 1}, if_missing: no_match}]}",
    "every item of none": "{all: [{every_item: items, where: {not: {always: true}}, if_missing: no_match}, {fact: items, op: is_empty}]}",
    "the third order of somebody": "{all: [{fact: customer_order_number, op: eq, value: 3}, {fact: customer_id, op: neq, value: x, if_missing: no_match}]}",
    "numbers beyond 2^53": "{all: [{fact: quantity, op: gt, value: '9007199254740993'}, {fact: quantity, op: lt, value: '9007199254740995'}]}",
}  # fmt: skip


def rule(when: str) -> str:
    """A payout with one rule; what it does not match is paid nothing, so there is no gap."""
    return f"{{rules: [{{id: r, when: {when}, then: {{flat: '1'}}}}]}}"


def codes(when: str) -> set[str]:
    return {finding["code"] for finding in analysed("payout", rule(when))} - {"value_never_carried"}


@pytest.mark.parametrize("when", NEVER.values(), ids=NEVER)
def test_a_condition_that_nothing_meets_is_found_with_a_conversion_that_does_not(when: str) -> None:
    finding = next(each for each in analysed("payout", rule(when)) if each["code"] == "never_true")
    assert finding["pointer"] == "/rules/0/when"
    decision, matched = decided("payout", rule(when), finding["witness"]["conversion"])
    assert matched == frozenset()
    assert decision.outcome == "rated"


@pytest.mark.parametrize("when", SOMETIMES.values(), ids=SOMETIMES)
def test_a_condition_that_something_meets_is_no_finding(when: str) -> None:
    assert codes(when) == set()


@pytest.mark.parametrize("when", SOMETIMES.values(), ids=SOMETIMES)
def test_the_conversion_that_meets_it_is_found(when: str) -> None:
    """Asked from the other side: beside a rule for everything, with hit unique, it overlaps."""
    body = f"{{hit: unique, rules: [{{id: r, when: {when}, then: {{flat: '1'}}}}, {{id: all, when: {{always: true}}, then: {{flat: '2'}}}}]}}"
    finding = next(each for each in analysed("payout", body) if each["code"] == "overlap")
    assert decided("payout", body, finding["witness"]["conversion"])[1] == {"r", "all"}


def test_the_parts_that_exclude_each_other_are_named_and_no_others() -> None:
    when = "{all: [{fact: country, op: eq, value: US}, {fact: hour, op: gt, value: 20}, {fact: quantity, op: gt, value: 1}, {fact: hour, op: lt, value: 9}]}"
    (finding,) = analysed("payout", rule(when))
    assert "hour is above 20 and hour is below 9 exclude each other" in finding["message"]
    assert "country" not in finding["message"] + finding["witness"]["says"]
    decision, _ = decided("payout", rule(when), finding["witness"]["conversion"])
    assert decision.event_at.hour > 20


@pytest.fixture
def fewer_laws(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is for rules that look for more parts of texts than can be compared with each other."""
    monkeypatch.setattr(texts, "MOST_PARTS", 0)
    monkeypatch.setattr(texts, "MOST_SEARCHED", 0)


@pytest.mark.usefixtures("fewer_laws")
def test_with_fewer_laws_on_texts_less_is_claimed_and_nothing_wrong() -> None:
    claimed = {name: codes(when) for name, when in NEVER.items()}
    assert {name for name, found in claimed.items() if found == {"not_decided"}} <= {
        n for n, w in NEVER.items() if "sku" in w or "starts_with" in w
    }
    assert {"not_decided"} in claimed.values()
    assert all(found in ({"never_true"}, {"not_decided"}) for found in claimed.values())
    assert all(codes(when) <= {"not_decided"} for when in SOMETIMES.values())
