"""The limits of the language, each from both sides."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.rulelang.ruleset import check_rules
from tests.builders.terms import findings

LEAF = {"fact": "country", "op": "eq", "value": "US"}
STEPS = "/otherwise/tiers/steps"


def when(condition: Any, count: int = 1) -> Any:
    rules = [{"id": f"r{n}", "when": condition, "then": "accept"} for n in range(count)]
    return {"kind": "eligibility", "rules": rules, "otherwise": "accept"}


def pays(formula: Any, **more: Any) -> Any:
    return {"kind": "payout", "on": "conversion", "hit": "first", "rules": [], "otherwise": formula, **more}


def nested(depth: int, innermost: Any, around: Any) -> Any:
    return innermost if depth == 1 else around(nested(depth - 1, innermost, around))


def groups(count: int) -> Any:
    return {"any": [{"all": [LEAF]} for _ in range(count - 1)]}


def leaves(count: int) -> Any:
    return {"any": [LEAF] * count}


def tiers(steps: int) -> Any:
    ends = [str(n + 1) for n in range(steps - 1)]
    table = {"mode": "graduated", "by": {"count": True}, "window": "month", "rate": "per_unit"}
    return {"tiers": {**table, "steps": [{"up_to": end, "unit": "1"} for end in [*ends, None]]}}


def limit(number: int) -> Any:
    limited = {"measure": "amount", "per": "contract", "window": "month", "max": "1", "over": "partial"}
    return {"id": f"l{number}", **limited}


CASES = {
    "conditions 6 deep": (
        lambda over: when(nested(6 + over, LEAF, lambda inner: {"all": [inner]})),
        "too_deep",
        "/rules/0/when" + "/all/0" * 6,
    ),
    "nots 6 deep": (
        lambda over: when(nested(6 + over, {"always": True}, lambda inner: {"not": inner})),
        "too_deep",
        "/rules/0/when" + "/not" * 6,
    ),
    "formulas 6 deep": (
        lambda over: pays(nested(6 + over, {"flat": "1"}, lambda inner: {"clamp": inner, "max": "1"})),
        "too_deep",
        "/otherwise" + "/clamp" * 6,
    ),
    "12 groups": (lambda over: when(groups(12 + over)), "too_many_groups", "/rules/0/when"),
    "50 leaves": (lambda over: when(leaves(50 + over)), "too_many_leaves", "/rules/0/when"),
    "50 leaves, and far too many": (lambda over: when(leaves(50 + 1000 * over)), "too_many_leaves", "/rules/0/when"),
    "200 rules": (lambda over: when({"always": True}, 200 + over), "too_many_rules", "/rules"),
    "200 bonuses": (
        lambda over: pays(
            {"flat": "1"},
            bonuses=[{"id": f"b{n}", "when": {"always": True}, "then": {"flat": "1"}} for n in range(200 + over)],
        ),
        "too_many_rules",
        "/bonuses",
    ),
    "10,000 members": (
        lambda over: when({"fact": "sku", "op": "in", "value": [f"S{n}" for n in range(10_000 + over)]}),
        "too_many_members",
        "/rules/0/when/value",
    ),
    "50 formulas in a sum": (
        lambda over: pays({"sum": [{"flat": "1"}] * (50 + over)}),
        "too_many_members",
        "/otherwise/sum",
    ),
    "20 limits": (
        lambda over: pays({"flat": "1"}, limits=[limit(n) for n in range(20 + over)]),
        "too_many_members",
        "/limits",
    ),
    "200 steps": (lambda over: pays(tiers(200 + over)), "too_many_steps", STEPS),
    "a name of 200": (
        lambda over: {**when(LEAF), "rules": [{**when(LEAF)["rules"][0], "name": "x" * (200 + over)}]},
        "bad_identifier",
        "/rules/0/name",
    ),
    "an id of 64": (
        lambda over: {**when(LEAF), "rules": [{**when(LEAF)["rules"][0], "id": "x" * (64 + over)}]},
        "bad_identifier",
        "/rules/0/id",
    ),
    "text of 1,024": (
        lambda over: when({"fact": "sku", "op": "eq", "value": "x" * (1024 + over)}),
        "value_not_of_type",
        "/rules/0/when/value",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_limit_is_allowed_and_one_more_is_not(name: str) -> None:
    build, code, pointer = CASES[name]
    assert findings(build(0)) == []
    found = findings(build(1))
    assert {finding.code for finding in found} == {code}
    assert [finding.pointer for finding in found] == [pointer]


def test_the_refusal_says_how_many_there_are_and_may_be() -> None:
    assert findings(when(leaves(63)))[0].message == "63 comparisons in one rule; at most 50 are allowed"
    assert findings(when(groups(13)))[0].message == "13 groups (all, any, not) in one rule; at most 12 are allowed"
    assert findings(when(LEAF, 201))[0].message == "201 members; at most 200 are allowed"


def test_groups_and_leaves_are_counted_per_rule() -> None:
    assert findings(when({"any": [groups(10), leaves(41)]}, 3)) == []


def test_always_is_no_comparison() -> None:
    assert findings(when({"any": [LEAF] * 50 + [{"always": True}]})) == []


def test_the_largest_set_is_read_within_a_second() -> None:
    body = when({"any": [groups(10), leaves(41)]}, 200)
    start = time.process_time()
    assert check_rules(body, shipped_catalogue())[0] is not None
    assert time.process_time() - start < 1


@pytest.mark.parametrize("unknown", [50, 100, 101, 20_000])
def test_of_many_defects_a_hundred_are_listed_and_reading_ends_there(unknown: int) -> None:
    body = {**when(LEAF), **{f"k{n}": 1 for n in range(unknown)}}
    start = time.process_time()
    codes = [finding.code for finding in findings(body)]
    assert time.process_time() - start < 0.05
    assert codes == ["unknown_key"] * min(unknown, 100) + ["too_many_findings"] * (unknown > 100)


@pytest.mark.parametrize(
    ("fact", "member"), [("sku", 5), ("quantity", "x"), ("device_type", "fridge"), ("order_value", "1e3")]
)
def test_members_that_are_all_wrong_take_no_longer(fact: str, member: Any) -> None:
    found = findings(when({"fact": fact, "op": "in", "value": [member] * 10_000}))
    assert [finding.pointer for finding in found[:2]] == ["/rules/0/when/value/0", "/rules/0/when/value/1"]
    assert len(found) == 101


def test_in_a_long_list_one_and_true_are_two_things() -> None:
    assert findings(when({"fact": "quantity", "op": "in", "value": [1, 0, 5]})) == []
    (found,) = findings(when({"fact": "quantity", "op": "in", "value": [1, 0, True, 5]}))
    assert (found.code, found.pointer) == ("value_not_of_type", "/rules/0/when/value/2")
