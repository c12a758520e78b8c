"""Facts that no conversion carries, and values that a computed fact never has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.analysis.analyse import analyse
from app.engine.factsheet import DERIVED, typed_facts, with_derived
from app.rulelang.facts import Catalogue, Fact
from app.rulelang.ruleset import rules_from
from tests.builders.terms import data
from tests.builders.witnesses import analysed, decided, sent

OTHERS = (
    Fact("touch_age", "duration", "time since the touch", subject="touch", required=True, derived=True),
    Fact("loyalty", "integer", "computed by nobody yet", derived=True),
)
CATALOGUE = Catalogue({fact.name: fact for fact in (*shipped_catalogue(), *OTHERS)})


@pytest.mark.parametrize(
    ("when", "then", "pointer", "says"),
    [
        ("{fact: touch_age, op: lt, value: P30D}", "{flat: '1'}", "/rules/0/when/fact", "a fact of a touch"),
        ("{always: true}", "{per_unit: '1', of: loyalty}", "/rules/0/then/of", "none of our rules"),
        ("{all: [{always: true}, {fact: loyalty, op: gt, value: 3}]}", "{flat: '1'}", "/rules/0/when/all/1/fact", "none of our rules"),
        ("{fact: quantity, op: lt, value: {fact: loyalty}}", "{flat: '1'}", "/rules/0/when/value/fact", "none of our rules"),
    ],
)  # fmt: skip
def test_a_fact_of_something_else_is_found_where_it_is_read(when: str, then: str, pointer: str, says: str) -> None:
    body = data(
        f"{{kind: payout, 'on': conversion, hit: sum, rules: [{{id: r, when: {when}, then: {then}}}], otherwise: {{flat: '0'}}}}"
    )
    found = analyse(rules_from(body, CATALOGUE), CATALOGUE)
    (finding,) = [each for each in found if each.finding.code == "fact_never_carried"]
    assert (finding.finding.severity, finding.finding.pointer) == ("error", pointer)
    assert says in finding.finding.message
    shown: dict[str, Any] = json.loads(json.dumps(finding.as_dict()))["witness"]["conversion"]
    _, wrong = typed_facts(shown["facts"], CATALOGUE, "")
    assert wrong == []
    conversion = sent(shown)
    facts = with_derived(conversion, conversion.event_at, frozenset({fact.name for fact in CATALOGUE}))
    name = finding.finding.message.split(" is ")[0]
    assert name not in facts
    refused = typed_facts({name: 1}, CATALOGUE, "/facts")[1]
    assert [each.pointer for each in refused] == [f"/facts/{name}"], "it can be sent after all"


def test_facts_that_conversions_carry_are_no_finding() -> None:
    of_conversions = [fact for fact in shipped_catalogue() if fact.subject == "conversion"]
    assert {fact.name for fact in of_conversions if fact.derived} == DERIVED
    body = "{rules: [{id: r, when: {all: [{fact: hour, op: gt, value: 5}, {fact: tax, op: exists}]}, then: {percent: '1', of: shipping}}]}"
    assert analysed("payout", body) == []


@pytest.mark.parametrize(
    ("leaf", "pointer", "nearest"),
    [
        ("{fact: hour, op: eq, value: 25}", "/value", ("hour", 23)),
        ("{fact: hour, op: neq, value: -1}", "/value", ("hour", 0)),
        ("{fact: hour, op: in, value: [23, 24]}", "/value/1", ("hour", 23)),
        ("{fact: hour, op: lt, value: 24}", "/value", ("hour", 23)),
        ("{fact: hour, op: between, value: [24, 30]}", "/value/0", ("hour", 23)),
        ("{fact: month, op: eq, value: 0}", "/value", ("month", 1)),
        ("{fact: month, op: gt, value: 13}", "/value", ("month", 12)),
        ("{fact: customer_order_number, op: eq, value: 0}", "/value", ("customer_order_number", 1)),
    ],
)
def test_a_value_that_is_never_there_is_shown_by_the_nearest_that_is(
    leaf: str, pointer: str, nearest: tuple[str, int]
) -> None:
    body = f"{{rules: [{{id: r, when: {leaf}, then: {{flat: '1'}}}}]}}"
    (finding,) = [each for each in analysed("payout", body) if each["code"] == "value_never_carried"]
    assert finding["pointer"] == "/rules/0/when" + pointer
    shown = finding["witness"]["conversion"]
    conversion = sent(shown)
    name, value = nearest
    assert with_derived(conversion, conversion.event_at, frozenset({name}))[name] == value
    assert sorted(decided("payout", body, shown)[1]) == finding["witness"]["matched"]


@pytest.mark.parametrize(
    "leaf",
    [
        "{fact: hour, op: eq, value: 23}",
        "{fact: hour, op: between, value: [20, 24]}",
        "{fact: month, op: in, value: [1, 12]}",
        "{fact: customer_order_number, op: gt, value: 1}",
        "{fact: local_date, op: gte, value: '1997-07-01'}",
        "{fact: quantity, op: eq, value: -5}",
    ],
)
def test_values_that_are_there_are_no_finding(leaf: str) -> None:
    assert analysed("payout", f"{{rules: [{{id: r, when: {leaf}, then: {{flat: '1'}}}}]}}") == []
