"""What durable fires when used as its manual shows, and that the product's rules are each found once, or not at all."""

from __future__ import annotations

import re
from random import Random

import orjson
import pytest

from app.adapters.durable_codec import SetCodec
from app.adapters.durable_matcher import DurableMatcher, _EngineSet
from app.adapters.durable_plan import engine_sets
from app.engine.reference import traced
from app.rulelang.ast import AllOf, AnyOf, Leaf
from app.rulelang.diagnostics import RulesRefused
from app.rulelang.ruleset import rules_from
from tests.adapters.by_the_manual import by_the_manual, ended_by, matches
from tests.builders.conditions import catalogue, condition, facts, one_rule, rules
from tests.builders.random_rules import random_set

DIVISION = """
from durable.lang import *
with ruleset('x'):
    @when_all(c.first << m.c == 0, m.a > c.first.b / c.first.c)
    def act(c): pass
assert_fact('x', {'id': '1', 'a': 1, 'b': 6, 'c': 0})
assert_fact('x', {'id': '2', 'a': 1, 'b': 6})
"""


def test_a_division_by_zero_ends_the_process() -> None:
    assert ended_by(DIVISION) == "SIGFPE"
    divided = {"fact": "order_value", "op": "div", "value": "0"}
    body = {"kind": "eligibility", "rules": [{"id": "r", "when": divided, "then": "accept"}], "otherwise": "accept"}
    with pytest.raises(RulesRefused, match="div"):
        rules_from(body, catalogue())


def test_no_arithmetic_is_sent_to_the_engine() -> None:
    random, words = Random(2), set()
    for _ in range(200):
        for chains in engine_sets(random_set(random).rules):
            words |= set(re.findall(r'"(\$\w+)"', orjson.dumps(SetCodec(chains).definition).decode()))
    assert words == {"$and", "$or", "$neq", "$lt", "$lte", "$gt", "$gte"}


def test_a_rule_for_a_missing_fact_fires_for_ever() -> None:
    assert ended_by("run({'r': {'$nex': {'coupon': 1}}}, {'country': 'US'})", cpu_seconds=1) == "SIGXCPU"
    assert matches(["coupon_code", "missing"], {"country": "US"})
    assert not matches(["coupon_code", "missing"], {"coupon_code": "A"})


@pytest.mark.parametrize("name", ["id", "sid"])
def test_a_rule_about_a_fact_named_like_the_engines_own_fires_for_ever(name: str) -> None:
    assert ended_by(f"run({{'r': {{'$neq': {{'{name}': 'A'}}}}}}, {{'{name}': 'B'}})", cpu_seconds=1) == "SIGXCPU"
    assert matches([name, "neq", "A"], {name: "B"})
    assert not matches([name, "neq", "A"], {name: "A"})


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


def test_an_event_is_seen_by_the_first_rule_only() -> None:
    script = "host = hosting({'p': {'a': 1}, 'q': {'a': 1}}); host.post('x', {'id': '1', 'a': 1}); print(*fired)"
    assert by_the_manual(script) == "p"
    both = rules({"p": condition(["country", "eq", "US"]), "q": condition(["country", "eq", "US"])})
    assert DurableMatcher().matched(both, {"country": "US"}) == {"p", "q"}


@pytest.mark.parametrize("error", ["ValueError", "SystemExit", "KeyboardInterrupt"])
def test_what_an_action_raises_is_swallowed(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is put into the state that is returned, and stays there for every later message."""
    script = f"""
def act(c):
    if c.m.a == 1: raise {error}('boom')
host = Quiet()
host.register_rulesets({{'x': {{'r': {{'all': [{{'m': {{'$ex': {{'a': 1}}}}}}], 'run': act}}}}}})
for n in (1, 2):
    print('boom' in host.assert_fact('x', {{'id': str(n), 'a': n}})['exception'])
"""
    assert by_the_manual(script) == "True\nTrue"
    matcher, conditions = DurableMatcher(), one_rule(condition(["country", "eq", "US"]))
    assert matcher.matched(conditions, {"country": "US"}) == {"r"}
    with monkeypatch.context() as broken:
        broken.setattr(_EngineSet, "_names", raise_exit)
        with pytest.raises(SystemExit):
            matcher.matched(conditions, {"country": "US"})
    assert matcher.matched(conditions, {"country": "US"}) == {"r"}
    assert matcher.matched(conditions, {"country": "CA"}) == frozenset()


def raise_exit(*_: object) -> list[str]:
    raise SystemExit


def test_an_action_is_dropped_when_the_clock_jumps() -> None:
    """That the product's answers do not depend on a clock is `test_a_frozen_or_jumping_clock_changes_nothing`."""
    frozen = "from freezegun import freeze_time\nwith freeze_time('2024-01-01', auto_tick_seconds=60): "
    assert by_the_manual(frozen + "run({'q': {'a': 1}, 'r': {'a': 1}}, {'id': '1', 'a': 1})") == "q"


def test_nothing_tells_which_rules_matched_or_why_not() -> None:
    script = "host = hosting({'r': {'a': 1}, 's': {'b': 1}})\n"
    script += "print(sorted(host.assert_fact('x', {'id': '1', 'a': 1})), [n for n in dir(host) if 'match' in n or 'why' in n])"
    assert by_the_manual(script) == "['$s', 'id', 'sid'] []"
    seen = traced(condition({"all": [["country", "eq", "US"], ["quantity", "gt", 5]]}), facts({"country": "US"}))
    assert [(part.condition.fact, part.verdict) for part in seen.parts] == [("country", True), ("quantity", False)]  # type: ignore[union-attr]
