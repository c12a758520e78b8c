"""Large sets are analysed within the steps there are; where steps run out, that is said and nothing is claimed."""

from __future__ import annotations

from random import Random
from time import process_time
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.analysis.analyse import analyse
from app.analysis.difference import Counterexample, Equal, difference
from app.analysis.questions import Budget
from app.rulelang.bindings import Bindings, NamedList, read_list
from app.rulelang.ruleset import RuleSet, rules_from
from tests.builders.terms import rule_set

RULES, LEAVES = 200, 45
SECONDS = 20  # of CPU; on a quiet core it takes three


def leaf(random: Random) -> dict[str, Any]:
    missing = random.choice([{}, {"if_missing": "match"}, {"if_missing": "no_match"}])
    return random.choice(
        [
            {"fact": "order_value", "op": random.choice(["lt", "gte", "neq"]), "value": str(random.randint(0, 500))},
            {"fact": "quantity", "op": random.choice(["lt", "gte", "eq"]), "value": random.randint(0, 30), **missing},
            {"fact": "country", "op": "in", "value": random.sample(["US", "CA", "MX", "DE", "FR", "GB"], 3), **missing},
            {"fact": "coupon_codes", "op": "contains_any", "value": random.sample("ABCDEFGHIJ", 3), **missing},
            {"fact": "hour", "op": random.choice(["lt", "gte"]), "value": random.randint(1, 23)},
            {"fact": "month", "op": "in", "value": random.sample(range(1, 13), 4)},
            {"fact": "local_date", "op": random.choice(["lt", "gte"]), "value": f"20{random.randint(10, 40)}-02-11"},
            {"fact": "sku", "op": "starts_with", "value": f"S{random.randint(0, 60)}", **missing},
            {"any_item": "items", "where": {"fact": "price", "op": "gt", "value": random.choice(["5", "9", "20"])}, **missing},
        ]
    )  # fmt: skip


def large(hit: str, *, leaves: int = LEAVES, groups: int = 9, changed: int | None = None) -> RuleSet:
    """A set of 200 rules: each a conjunction of groups, in which one comparison has to hold."""
    random = Random(7)
    rules = [
        {
            "id": f"r{n}",
            "when": {"all": [{"any": [leaf(random) for _ in range(leaves // groups)]} for _ in range(groups)]},
            "then": {"flat": str(n % 7)},
        }
        for n in range(RULES)
    ]
    if changed is not None:
        rules[changed]["then"] = {"flat": "99"}
    body = {"kind": "payout", "on": "conversion", "hit": hit, "rules": rules, "otherwise": {"hold": "LOOK"}}
    return rules_from(_within_limits(body), shipped_catalogue())


def _within_limits(body: dict[str, Any]) -> dict[str, Any]:
    """What stands in `where` counts as a comparison too: 50 in all."""
    for rule in body["rules"]:
        for group in rule["when"]["all"]:
            group["any"] = [each for each in group["any"] if "where" not in each] or group["any"][:1]
        rule["when"]["all"][0]["any"].append(
            {"any_item": "items", "where": {"fact": "price", "op": "gt", "value": rule["then"]["flat"]}}
        )
    return body


@pytest.mark.parametrize("hit", ["first", "unique"])
def test_two_hundred_large_rules_are_analysed_in_seconds(hit: str) -> None:
    rules, budget, before = large(hit), Budget(), process_time()
    found = analyse(rules, shipped_catalogue(), budget=budget)
    assert process_time() - before < SECONDS
    assert budget.left > 0
    undecided = [each.finding.message for each in found if each.finding.code == "not_decided"]
    assert all("50 were found" in message for message in undecided), undecided


def test_two_hundred_large_rules_are_compared_in_seconds() -> None:
    before = process_time()
    same = difference(large("first", leaves=18), large("first", leaves=18), shipped_catalogue())
    other = difference(large("sum", leaves=18), large("sum", leaves=18, changed=150), shipped_catalogue())
    assert process_time() - before < SECONDS
    assert isinstance(same, Equal)
    assert isinstance(other, Counterexample)


def test_a_list_of_ten_thousand_texts_costs_little() -> None:
    members = [f"C{n}" for n in range(10_000)]
    body = {
        "kind": "eligibility",
        "otherwise": "accept",
        "rules": [
            {"id": "a", "when": {"fact": "coupon_code", "op": "in", "value": members}, "then": {"reject": "A"}},
            {"id": "b", "when": {"all": [{"fact": "coupon_code", "op": "in", "value": members[5000:]}, {"fact": "coupon_code", "op": "starts_with", "value": "C4"}, {"fact": "coupon_code", "op": "not_in", "value": members[:5000], "if_missing": "match"}]}, "then": {"reject": "B"}},
        ],
    }  # fmt: skip
    budget, before = Budget(), process_time()
    found = analyse(rules_from(body, shipped_catalogue()), shipped_catalogue(), budget=budget)
    assert process_time() - before < SECONDS
    assert [(each.finding.code, each.finding.pointer) for each in found] == [("never_true", "/rules/1/when")]


HARD = "{rules: [{id: a, when: {all: [{fact: month, op: eq, value: 2}, {fact: local_date, op: between, value: ['2024-03-01', '2025-01-31']}]}, then: {flat: '1'}}], otherwise: {hold: LOOK}}"


@pytest.mark.parametrize("budget", [Budget(left=0), Budget(each=10)])
def test_where_steps_run_out_nothing_is_claimed(budget: Budget) -> None:
    found = analyse(rule_set("payout", HARD), shipped_catalogue(), budget=budget)
    assert {each.finding.code for each in found} == {"not_decided"}
    assert {each.finding.severity for each in found} == {"information"}
    assert {each.finding.pointer for each in found} == {"/rules/0", "/otherwise"}


def test_the_same_rules_take_the_same_steps() -> None:
    budgets = [Budget(), Budget()]
    for budget in budgets:
        analyse(rule_set("payout", HARD), shipped_catalogue(), budget=budget)
    assert budgets[0].left == budgets[1].left < Budget().left


def test_examples_of_thousands_of_parts_of_texts_are_paid_from_the_steps() -> None:
    """Ten thousand parts that one text could all contain, but that no text has room for."""
    rules = [
        {"id": f"r{n}", "when": {"all": [{"fact": "category", "op": "contains", "value": f"t{n}x{m}"} for m in range(50)]}, "then": "accept"}
        for n in range(RULES)
    ]  # fmt: skip
    body = {"kind": "eligibility", "rules": rules, "otherwise": {"reject": "X"}}
    checked, started = rules_from(body, shipped_catalogue()), process_time()
    found = analyse(checked, shipped_catalogue(), budget=Budget(left=10_000_000))
    assert process_time() - started < SECONDS
    assert {analysed.finding.code for analysed in found} == {"not_decided"}


def test_a_long_list_in_many_rules_is_translated_once() -> None:
    members = [f"c{n}" for n in range(10_000)]
    named = read_list("long", "text", members)
    assert isinstance(named, NamedList)
    when = {"fact": "coupon_codes", "op": "contains_any", "value": {"list": "long"}}
    rules = [{"id": f"r{n}", "when": {"all": [when, {"fact": "hour", "op": "eq", "value": n % 24}]}, "then": "accept"} for n in range(100)]  # fmt: skip
    body = {"kind": "eligibility", "rules": rules, "otherwise": {"reject": "X"}}
    checked = rules_from(body, shipped_catalogue(), bindings=Bindings(lists={"long": named}))
    started = process_time()
    analyse(checked, shipped_catalogue(), budget=Budget(left=10_000_000))
    assert process_time() - started < SECONDS / 2
