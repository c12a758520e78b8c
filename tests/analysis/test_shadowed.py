"""A rule that never decides, because others take or outrank whatever meets it."""

from __future__ import annotations

import pytest

from tests.builders.witnesses import analysed, decided

SHADOWED = {
    "a narrower rule behind a wider one": (
        "{rules: [{id: a, when: {fact: order_value, op: gte, value: '100'}, then: {flat: '1'}}, {id: b, when: {fact: order_value, op: gt, value: '500'}, then: {flat: '2'}}]}",
        "b",
        ["a"],
    ),
    "behind two that cover it together": (
        "{rules: [{id: a, when: {fact: hour, op: lt, value: 12}, then: {flat: '1'}}, {id: x, when: {fact: country, op: eq, value: US}, then: {flat: '1'}}, {id: c, when: {fact: hour, op: gte, value: 12}, then: {flat: '2'}}, {id: b, when: {fact: quantity, op: gt, value: 3}, then: {flat: '3'}}]}",
        "b",
        ["a", "c"],
    ),
    "behind always": (
        "{rules: [{id: a, when: {always: true}, then: {flat: '1'}}, {id: b, when: {fact: coupon_codes, op: contains, value: X}, then: {flat: '2'}}]}",
        "b",
        ["a"],
    ),
    "the same in other words": (
        "{rules: [{id: a, when: {not: {any_item: items, where: {fact: price, op: gt, value: '5'}, if_missing: match}}, then: {flat: '1'}}, {id: b, when: {every_item: items, where: {fact: price, op: lte, value: '5'}, if_missing: no_match}, then: {flat: '2'}}]}",
        "b",
        ["a"],
    ),
}  # fmt: skip
REACHED = {
    "a wider rule behind a narrower one": "{rules: [{id: a, when: {fact: order_value, op: gt, value: '500'}, then: {flat: '1'}}, {id: b, when: {fact: order_value, op: gte, value: '100'}, then: {flat: '2'}}]}",
    "only an absent fact gets there": "{rules: [{id: a, when: {fact: quantity, op: gt, value: 3}, then: {flat: '1'}}, {id: c, when: {fact: quantity, op: lte, value: 3}, then: {flat: '1'}}, {id: b, when: {always: true}, then: {flat: '2'}}]}",
    "one value gets there": "{rules: [{id: a, when: {fact: order_value, op: gt, value: '5'}, then: {flat: '1'}}, {id: c, when: {fact: order_value, op: lt, value: '5'}, then: {flat: '1'}}, {id: b, when: {always: true}, then: {flat: '2'}}]}",
    "with hit sum every rule pays": "{hit: sum, rules: [{id: a, when: {always: true}, then: {flat: '1'}}, {id: b, when: {fact: hour, op: gt, value: 5}, then: {flat: '2'}}]}",
    "a bonus is added to any rule": "{rules: [{id: a, when: {always: true}, then: {flat: '1'}}], bonuses: [{id: b, when: {fact: hour, op: gt, value: 5}, then: {flat: '2'}}]}",
}  # fmt: skip
OUTRANKED = {
    "accept loses to reject": ("{id: a, when: {fact: country, op: eq, value: US}, then: accept}, {id: r, when: {fact: country, op: in, value: [US, CA]}, then: {reject: NO}}", "a"),
    "accept loses to hold and reject": ("{id: a, when: {fact: quantity, op: exists}, then: accept}, {id: h, when: {fact: quantity, op: gt, value: 5}, then: {hold: LOOK}}, {id: r, when: {fact: quantity, op: lte, value: 5}, then: {reject: NO}}", "a"),
    "hold loses to reject, though it stands first": ("{id: a, when: {fact: hour, op: between, value: [1, 3]}, then: {hold: LOOK}}, {id: r, when: {fact: hour, op: lt, value: 4}, then: {reject: NO}}", "a"),
}  # fmt: skip
DECIDING = {
    "accept where no reject matches": "{id: a, when: {fact: country, op: eq, value: US}, then: accept}, {id: r, when: {fact: country, op: eq, value: CA}, then: {reject: NO}}",
    "two rejects, each with its reason": "{id: a, when: {fact: hour, op: lt, value: 3}, then: {reject: A}}, {id: b, when: {fact: hour, op: lt, value: 9}, then: {reject: B}}",
    "a reject is not outranked by an accept": "{id: a, when: {always: true}, then: accept}, {id: b, when: {fact: hour, op: lt, value: 9}, then: {reject: B}}",
}  # fmt: skip


@pytest.mark.parametrize(("body", "rule", "taking"), SHADOWED.values(), ids=SHADOWED)
def test_a_shadowed_payout_rule_is_shown_with_who_takes_what_meets_it(body: str, rule: str, taking: list[str]) -> None:
    (finding,) = analysed("payout", body)
    assert finding["code"] == "shadowed"
    assert finding["severity"] == "warning"
    assert finding["message"].endswith(", ".join(taking))
    decision, matched = decided("payout", body, finding["witness"]["conversion"])
    assert rule in matched
    assert {line.rule for line in decision.lines} <= set(taking)
    assert sorted(matched) == sorted(finding["witness"]["matched"])


@pytest.mark.parametrize("body", REACHED.values(), ids=REACHED)
def test_a_rule_that_something_gets_to_is_no_finding(body: str) -> None:
    assert analysed("payout", body) == []


@pytest.mark.parametrize(("rules", "rule"), OUTRANKED.values(), ids=OUTRANKED)
def test_an_outranked_verdict_is_shown_with_a_conversion_that_another_decides(rules: str, rule: str) -> None:
    body = f"{{rules: [{rules}], otherwise: accept}}"
    (finding,) = analysed("eligibility", body)
    assert (finding["code"], finding["pointer"]) == ("shadowed", "/rules/0")
    decision, matched = decided("eligibility", body, finding["witness"]["conversion"])
    assert rule in matched
    assert decision.outcome in ("ineligible", "held")
    assert all(reason.rule != rule for reason in decision.reasons)


@pytest.mark.parametrize("rules", DECIDING.values(), ids=DECIDING)
def test_a_verdict_that_counts_is_no_finding(rules: str) -> None:
    assert analysed("eligibility", f"{{rules: [{rules}], otherwise: accept}}") == []
