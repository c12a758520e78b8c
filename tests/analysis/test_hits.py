"""Two rules where one must match, and none where somebody has to look."""

from __future__ import annotations

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.analysis.analyse import analyse
from app.analysis.findings import blocking
from tests.builders.terms import rule_set
from tests.builders.witnesses import analysed, decided

OVERLAPPING = {
    "at the one value they share": (
        "{fact: order_value, op: lte, value: '100'}",
        "{fact: order_value, op: gte, value: '100'}",
    ),
    "about different things": (
        "{fact: coupon_codes, op: contains, value: X}",
        "{any_item: items, where: {fact: price, op: gt, value: '500'}}",
    ),
    "where a fact is absent": (
        "{fact: country, op: eq, value: US, if_missing: match}",
        "{fact: country, op: eq, value: CA, if_missing: match}",
    ),
    "on one day only": (
        "{fact: local_date, op: lte, value: '2024-02-29'}",
        "{all: [{fact: local_date, op: gt, value: '2024-02-28'}, {fact: weekday, op: eq, value: thursday}]}",
    ),
    "a start and a part": (
        "{fact: sku, op: starts_with, value: AB}",
        "{fact: sku, op: contains, value: BC}",
    ),
}  # fmt: skip
DISJOINT = {
    "values": (
        "{fact: order_value, op: lt, value: '100'}",
        "{fact: order_value, op: gte, value: '100'}",
    ),
    "absent or there": (
        "{fact: quantity, op: missing}",
        "{fact: quantity, op: lt, value: 5}",
    ),
    "words": (
        "{fact: device_type, op: in, value: [ctv, tablet]}",
        "{fact: device_type, op: eq, value: mobile}",
    ),
    "days": (
        "{fact: local_date, op: eq, value: '2024-02-29'}",
        "{fact: weekday, op: in, value: [friday, sunday]}",
    ),
    "items": (
        "{any_item: items, where: {fact: quantity, op: gt, value: 3}}",
        "{every_item: items, where: {fact: quantity, op: lte, value: 3}, if_missing: no_match}",
    ),
}  # fmt: skip


def unique(one: str, two: str, more: str = "") -> str:
    return f"{{hit: unique, rules: [{{id: a, when: {one}, then: {{flat: '1'}}}}, {{id: b, when: {two}, then: {{flat: '2'}}}}]{more}}}"


@pytest.mark.parametrize(("one", "two"), OVERLAPPING.values(), ids=OVERLAPPING)
def test_an_overlap_is_shown_by_a_conversion_that_would_be_held(one: str, two: str) -> None:
    (finding,) = analysed("payout", unique(one, two))
    assert (finding["code"], finding["severity"], finding["pointer"]) == ("overlap", "error", "/rules/1/when")
    decision, matched = decided("payout", unique(one, two), finding["witness"]["conversion"])
    assert matched == {"a", "b"}
    assert (decision.outcome, decision.reasons[0].code) == ("held", "AMBIGUOUS_PAYOUT")


@pytest.mark.parametrize(("one", "two"), DISJOINT.values(), ids=DISJOINT)
def test_rules_that_exclude_each_other_are_no_finding(one: str, two: str) -> None:
    assert analysed("payout", unique(one, two)) == []


def test_an_overlap_blocks_and_a_gap_does_not() -> None:
    body = unique(*OVERLAPPING["about different things"], ", otherwise: {hold: LOOK}")
    found = analyse(rule_set("payout", body), shipped_catalogue())
    assert {each.finding.code for each in found} == {"overlap", "gap"}
    assert [each.finding.code for each in blocking(found)] == ["overlap"]


def test_every_pair_that_overlaps_is_named() -> None:
    rules = ", ".join(
        f"{{id: r{n}, when: {{fact: hour, op: between, value: [{n}, {n + 2}]}}, then: {{flat: '1'}}}}" for n in range(5)
    )
    found = analysed("payout", f"{{hit: unique, rules: [{rules}]}}")
    pairs = {tuple(each["message"].split(" overlap")[0].split(" and ")) for each in found}
    assert pairs == {(f"r{n}", f"r{n + more}") for n in range(5) for more in (1, 2) if n + more < 5}


GAPS = {
    "between two values": ("payout", "{rules: [{id: a, when: {fact: order_value, op: lt, value: '100'}, then: {flat: '1'}}, {id: b, when: {fact: order_value, op: gt, value: '100'}, then: {flat: '2'}}], otherwise: {hold: LOOK}}"),
    "an absent fact": ("payout", "{rules: [{id: a, when: {fact: quantity, op: lt, value: 3}, then: {flat: '1'}}, {id: b, when: {fact: quantity, op: gte, value: 3}, then: {flat: '2'}}], otherwise: {hold: LOOK}}"),
    "a word": ("eligibility", "{rules: [{id: a, when: {fact: device_type, op: in, value: [ctv, desktop, mobile, other], if_missing: match}, then: accept}], otherwise: {hold: LOOK}}"),
    "no rules at all": ("eligibility", "{rules: [], otherwise: {hold: LOOK}}"),
}  # fmt: skip
COVERED = {
    "every value": ("payout", "{rules: [{id: a, when: {fact: order_value, op: lt, value: '100'}, then: {flat: '1'}}, {id: b, when: {fact: order_value, op: gte, value: '100'}, then: {flat: '2'}}], otherwise: {hold: LOOK}}"),
    "absence too": ("payout", "{rules: [{id: a, when: {fact: quantity, op: lt, value: 3}, then: {flat: '1'}}, {id: b, when: {fact: quantity, op: gte, value: 3, if_missing: match}, then: {flat: '2'}}], otherwise: {hold: LOOK}}"),
    "every hour": ("eligibility", "{rules: [{id: a, when: {fact: hour, op: lt, value: 12}, then: accept}, {id: b, when: {fact: hour, op: between, value: [12, 23]}, then: {reject: LATE}}], otherwise: {hold: LOOK}}"),
    "otherwise decides": ("eligibility", "{rules: [{id: a, when: {fact: hour, op: lt, value: 12}, then: accept}], otherwise: {reject: LATE}}"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "body"), GAPS.values(), ids=GAPS)
def test_a_gap_is_shown_by_a_conversion_that_is_held(kind: str, body: str) -> None:
    (finding,) = analysed(kind, body)
    assert (finding["code"], finding["severity"], finding["pointer"]) == ("gap", "warning", "/otherwise")
    decision, matched = decided(kind, body, finding["witness"]["conversion"])
    assert matched == frozenset()
    assert (decision.outcome, decision.reasons[0].code) == ("held", "LOOK")


@pytest.mark.parametrize(("kind", "body"), COVERED.values(), ids=COVERED)
def test_rules_that_meet_every_conversion_leave_no_gap(kind: str, body: str) -> None:
    assert analysed(kind, body) == []
