"""What durable does when used as its manual shows, each in a process of its own, and that the product does not do it.

These tests say why the adapter is as it is. Should a later durable pass the first half of one, its guard can go.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from app.adapters.durable_matcher import DurableMatcher
from app.engine.matcher import EngineFault
from app.rulelang.ast import AllOf, AnyOf, Leaf
from tests.builders.conditions import condition, facts, one_rule, rules

MANUAL = """
import datetime, json, sys
from durable.engine import Host
class Quiet(Host):
    def _run(self): pass
fired = []
def noting(name):
    def act(c): fired.append(name)
    return act
def run(rules, fact):
    host = Quiet()
    host.register_rulesets({"x": {n: {"all": [{"m": c}], "run": noting(n)} for n, c in rules.items()}})
    try:
        host.assert_fact("x", fact)
    except Exception as error:
        print(type(error).__name__, error)
    print(*fired)
"""


def by_the_manual(script: str, seconds: float = 10) -> str:
    command = [sys.executable, "-W", "ignore", "-c", MANUAL + script]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True).stdout.strip()


def matches(when: Any, given: dict[str, Any]) -> bool:
    matcher = DurableMatcher()
    try:
        return matcher.matched(one_rule(condition(when)), facts(given)) == {"r"}
    finally:
        matcher.close()


def test_a_rule_for_a_missing_fact_fires_for_ever() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        by_the_manual("run({'r': {'$nex': {'coupon': 1}}}, {'id': '1', 'country': 'US'})", seconds=1.5)
    assert matches(["coupon_code", "missing"], {"country": "US"})
    assert not matches(["coupon_code", "missing"], {"coupon_code": "A"})


def test_a_rule_about_a_fact_named_id_fires_for_ever() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        by_the_manual("run({'r': {'$neq': {'id': 'A'}}}, {'id': 'B'})", seconds=1.5)
    assert matches(["id", "neq", "A"], {"id": "B"})
    assert not matches(["id", "neq", "A"], {"id": "A"})


def test_an_any_fires_once_for_every_true_part() -> None:
    assert by_the_manual("run({'r': {'$or': [{'a': 1}, {'$gt': {'b': 5}}]}}, {'id': '1', 'a': 1, 'b': 6})") == "r r"
    assert matches({"any": [["country", "eq", "US"], ["quantity", "gt", 5]]}, {"country": "US", "quantity": 6})


def test_anys_side_by_side_multiply() -> None:
    script = "n = range(11); run({'r': {'$and': [{'$or': [{f'a{i}': 1}, {f'b{i}': 1}]} for i in n]}}, "
    fired = by_the_manual(script + "{'id': '1'} | {f'{x}{i}': 1 for x in 'ab' for i in n})")
    assert fired.split() == ["r"] * 2**11
    # In the product eleven groups of four, which would be four million firings, are one.
    group = [AnyOf(tuple(Leaf(f"t{n}{m}", "missing", ()) for m in range(4))) for n in range(11)]
    assert DurableMatcher().matched(one_rule(AllOf(tuple(group))), {}) == {"r"}


def test_many_anys_that_are_true_together_are_an_error() -> None:
    script = "n = range(40); run({f'r{i}': {'$or': [{f'a{i}': 1}, {f'b{i}': 1}]} for i in n}, "
    assert "error code: 303" in by_the_manual(script + "{'id': '1'} | {f'{x}{i}': 1 for x in 'ab' for i in n})")
    many = rules({f"r{n}": AnyOf((Leaf(f"a{n}", "missing", ()), Leaf(f"b{n}", "missing", ()))) for n in range(200)})
    assert len(DurableMatcher().matched(many, {})) == 200


def test_an_integer_beyond_64_bits_becomes_the_largest() -> None:
    assert by_the_manual("run({'r': {'n': 2**63 - 1}}, {'id': '1', 'n': 2**63 + 5})") == "r"
    conditions = one_rule(condition(["quantity", "eq", str(2**62 - 1)]))
    with pytest.raises(EngineFault, match="beyond"):
        DurableMatcher().matched(conditions, {"quantity": 2**63 + 5})


def test_text_equals_a_number_that_looks_like_it() -> None:
    assert by_the_manual("run({'r': {'n': 5}}, {'id': '1', 'n': '5'})") == "r"
    with pytest.raises(EngineFault, match="quantity is text; its rules compare it with integer"):
        DurableMatcher().matched(one_rule(condition(["quantity", "eq", 5])), {"quantity": "5"})


def test_nothing_is_said_of_what_is_null() -> None:
    handled = "run({'r': {'$neq': {'coupon': 'A'}}}, {'id': '1', 'coupon': None})"
    assert by_the_manual(handled).startswith("MessageNotHandledException")
    assert matches(["coupon_code", "neq", "A", "match"], {"coupon_code": None})
    assert not matches(["coupon_code", "neq", "A", "no_match"], {"coupon_code": None})


def test_an_action_is_dropped_when_the_clock_jumps() -> None:
    frozen = "from freezegun import freeze_time\nwith freeze_time('2024-01-01', auto_tick_seconds=60): "
    assert by_the_manual(frozen + "run({'q': {'a': 1}, 'r': {'a': 1}}, {'id': '1', 'a': 1})") == "q"
