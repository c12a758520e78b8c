"""A checked body: its hash is that of what was written, and it knows the facts it reads."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.rulelang.ruleset import RuleSet, rules_from, with_kind
from tests.builders.bodies import VALID, places
from tests.builders.terms import data, rule_set


def rules(body: Any) -> RuleSet:
    return rules_from(body, shipped_catalogue())


def reordered(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: reordered(part[key]) for key in reversed(part)}
    return [reordered(member) for member in part] if isinstance(part, list) else part


@pytest.mark.parametrize("body", VALID, ids=lambda body: body["kind"])
def test_the_hash_does_not_depend_on_the_order_of_keys(body: Any) -> None:
    assert rules(reordered(body)).hash == rules(body).hash
    assert rules(json.loads(json.dumps(body, indent=3))).hash == rules(body).hash


@pytest.mark.parametrize("body", VALID, ids=lambda body: body["kind"])
def test_the_hash_differs_for_any_change_of_a_value_or_of_the_order_of_rules(body: Any) -> None:
    seen = {rules(body).hash}
    tried = 1
    for path in places(body):
        changed = copy.deepcopy(body)
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        value = parent[path[-1]] if path else None
        if isinstance(value, list) and len(value) > 1:
            parent[path[-1]] = value[::-1]
        elif isinstance(value, str) and value.isdigit():
            parent[path[-1]] = f"{value}.0"
        elif path[-1:] == ("id",):
            parent["id"] = f"{value}2"
        elif value in ("match", "accept"):
            parent[path[-1]] = {"match": "no_match", "accept": {"hold": "X"}}[value]
        else:
            continue
        if path[-1:] in (("steps",), ("value",)) and value != ["US", "CA"]:
            continue
        if path == ("claims",):
            parent["claims"] = "refuse"
        tried += 1
        seen.add(rules(changed).hash)
    assert len(seen) == tried > 1


def test_the_hash_is_of_the_canonical_json_and_nothing_else() -> None:
    # sha256 of {"claims":"accept","kind":"attribution"}, worked out with sha256sum.
    assert rules({"kind": "attribution", "claims": "accept"}).hash == (
        "f7c68ad2069bd7d9284d10770aeaf29d4655be8663734b5a2823224eeec1ff9e"
    )


def test_facts_of_a_touch_are_read_but_no_conversion_needs_them() -> None:
    window = "{fact: touch.age, op: lt, value: P1D}"
    found = rule_set(
        "attribution",
        f"{{claims: refuse, qualify: [{{id: a, when: {{all: [{window}, {{fact: order_value, op: gt, value: '5'}}]}}}}]}}",
    )
    assert found.facts_read == {"touch.age", "order_value"}
    assert found.facts_required == {"order_value"}


def test_facts_read_are_those_of_conditions_formulas_tiers_and_bonuses() -> None:
    found = rule_set(
        "payout",
        """
        rules:
          - id: a
            when: {not: {any: [{fact: country, op: eq, value: US, if_missing: match}, {fact: hour, op: eq, value: 3}]}}
            then: {clamp: {sum: [{percent: "5", of: tax}, {flat: "1"}]}, max: "5"}
        bonuses:
          - id: b
            when: {fact: customer_order_number, op: eq, value: 1}
            then:
              tiers:
                {mode: volume, by: {sum: quantity}, window: event, rate: per_unit, steps: [{up_to: null, unit: "1"}]}
        otherwise: {percent: "1", of: order_value}
        """,
    )
    assert found.facts_read == {"country", "hour", "tax", "customer_order_number", "quantity", "order_value"}
    assert found.facts_required == {"hour", "customer_order_number", "order_value"}


def test_the_fact_on_the_right_is_read_and_required_too() -> None:
    when = {"fact": "shipping", "op": "lt", "value": {"fact": "order_value"}}
    found = rule_set("eligibility", {"rules": [{"id": "a", "when": when, "then": "accept"}], "otherwise": "accept"})
    assert found.facts_read == {"shipping", "order_value"}
    assert found.facts_required == {"order_value"}


def test_a_body_without_rules_reads_nothing() -> None:
    found = rule_set("eligibility", {"rules": [], "otherwise": {"hold": "LOOK"}})
    assert found.facts_read == found.facts_required == frozenset()
    assert rules(VALID[1]).facts_read == frozenset()


def test_the_kind_may_stand_outside_the_body() -> None:
    assert with_kind("payout", {"a": 1}) == {"kind": "payout", "a": 1}
    assert with_kind("payout", {"kind": "x"}) == {"kind": "x"}
    assert with_kind("payout", [1]) == [1]
    assert (
        rules(with_kind("attribution", {"claims": "accept"})).hash
        == rules(data("{kind: attribution, claims: accept}")).hash
    )
