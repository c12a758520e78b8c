"""Eligibility: reject beats hold beats accept, every reason is given, and a near miss says by how much."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.builders.terms import conversion, decide, terms

ACCEPT = "{id: accepts, when: {fact: country, op: eq, value: US}, then: accept}"
HOLD = "{id: holds, when: {fact: device_type, op: eq, value: ctv}, then: {hold: LOOK}}"
HOLD_TOO = "{id: holds_too, when: {fact: is_trial, op: eq, value: true}, then: {hold: TRIAL}}"
REJECT = "{id: rejects, when: {fact: order_value, op: lt, value: '5'}, then: {reject: LOW}}"
REJECT_TOO = "{id: rejects_too, when: {all: [{fact: channel, op: eq, value: own}]}, then: {reject: OWN}}"
YES = {"country": "US", "device_type": "ctv", "is_trial": True, "order_value": "4.99", "channel": "own"}
NO = {"country": "CA", "device_type": "tablet", "is_trial": False, "order_value": "5.00", "channel": "else"}


def outcome(rules: list[str], otherwise: str, **facts: Any) -> tuple[str, list[str]]:
    found = decide(
        terms(f"eligibility: {{rules: [{', '.join(rules)}], otherwise: {otherwise}}}"), conversion(**{**NO, **facts})
    )
    return found.outcome, [reason.code for reason in found.reasons]


def facts(*names: str) -> dict[str, Any]:
    return {name: YES[name] for name in names}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (facts("country"), ("rated", [])),
        (facts("device_type"), ("held", ["LOOK"])),
        (facts("order_value"), ("ineligible", ["LOW"])),
        (facts("country", "device_type"), ("held", ["LOOK"])),
        (facts("country", "order_value"), ("ineligible", ["LOW"])),
        (facts("device_type", "order_value"), ("ineligible", ["LOW"])),
        (facts("country", "device_type", "order_value"), ("ineligible", ["LOW"])),
    ],
)
def test_reject_beats_hold_beats_accept_in_any_order_of_the_rules(given: dict[str, Any], expected: Any) -> None:
    for rules in permutations([ACCEPT, HOLD, REJECT]):
        assert outcome(list(rules), "{hold: NONE}", **given) == expected


def test_every_reason_of_the_winning_kind_is_given_in_the_order_of_the_rules() -> None:
    rules = [REJECT, HOLD, REJECT_TOO, ACCEPT, HOLD_TOO]
    assert outcome(rules, "accept", **YES) == ("ineligible", ["LOW", "OWN"])
    assert outcome(rules, "accept", **{**YES, "order_value": "5", "channel": "x"}) == ("held", ["LOOK", "TRIAL"])
    assert outcome(rules[::-1], "accept", **YES) == ("ineligible", ["OWN", "LOW"])


@pytest.mark.parametrize(
    ("otherwise", "expected"),
    [("accept", ("rated", [])), ("{reject: X}", ("ineligible", ["X"])), ("{hold: Y}", ("held", ["Y"]))],
)
def test_otherwise_speaks_when_no_rule_does(otherwise: str, expected: Any) -> None:
    assert outcome([ACCEPT, HOLD, REJECT], otherwise) == expected
    assert outcome([], otherwise) == expected


def test_a_rule_of_one_comparison_shows_it_and_a_larger_one_is_named() -> None:
    found = decide(
        terms(f"eligibility: {{rules: [{REJECT}, {REJECT_TOO}], otherwise: accept}}"), conversion(**{**NO, **YES})
    )
    assert [reason.as_dict() for reason in found.reasons] == [
        {"code": "LOW", "rule": "rejects", "fact": "order_value", "expected": "< 5.00", "actual": "4.99"},
        {"code": "OWN", "rule": "rejects_too"},
    ]


def miss(*accepting: str, **given: Any) -> dict[str, str]:
    rules = ", ".join(f"{{id: a{n}, when: {when}, then: accept}}" for n, when in enumerate(accepting))
    found = decide(terms(f"eligibility: {{rules: [{rules}], otherwise: {{reject: NO}}}}"), conversion(**given))
    return found.reasons[0].as_dict()


MINIMUM = "{fact: order_value, op: gte, value: '200'}"
NEAR = {"code": "NO", "rule": "otherwise", "fact": "order_value", "expected": "≥ 200.00", "actual": "199.99"}
PLAIN = {"code": "NO", "rule": "otherwise"}


def test_the_nearest_miss_of_the_one_rule_that_accepts_is_shown() -> None:
    assert miss(MINIMUM, order_value="199.99") == NEAR
    both = f"{{all: [{{fact: country, op: eq, value: US}}, {MINIMUM}]}}"
    assert miss(both, order_value="199.99", country="US") == NEAR
    assert miss(both, order_value="199.99") == PLAIN | {"fact": "country", "expected": "= US", "actual": "absent"}
    assert miss(both, order_value="199.99", country="absent")["actual"] == '"absent"'


def test_where_no_single_comparison_decided_none_is_shown() -> None:
    assert miss(MINIMUM, MINIMUM, order_value="199.99") == PLAIN
    assert miss(f"{{any: [{MINIMUM}]}}", order_value="199.99") == PLAIN
    assert miss("{not: {fact: order_value, op: lt, value: '200'}}", order_value="199.99") == PLAIN
    assert miss(order_value="1") == PLAIN
    assert miss(f"{{all: [{{any: [{MINIMUM}]}}, {MINIMUM}]}}", order_value="199.99") == NEAR
