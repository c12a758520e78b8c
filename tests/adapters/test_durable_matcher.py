"""What the matcher promises whatever happens around it: clocks, faults, threads, eviction."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import durable_rules_engine
import pytest
from freezegun import freeze_time

from app.adapters import durable_matcher
from app.adapters.durable_matcher import DurableMatcher
from app.engine.matcher import EngineFault, RuleConditions
from app.engine.reference import ReferenceMatcher
from app.rulelang.ast import Always, Leaf
from tests.builders.conditions import condition, facts, one_rule, rules
from tests.builders.random_rules import random_facts, random_set

US = rules(
    {
        "us": condition(["country", "eq", "US"]),
        "large": condition(["order_value", "gte", "100"]),
        "no coupon": condition(["coupon_code", "missing"]),
    }
)
GIVEN = facts({"country": "US", "order_value": "250"})
ALL = {"us", "large", "no coupon"}


@pytest.fixture
def matcher() -> Iterator[DurableMatcher]:
    made = DurableMatcher(capacity=4)
    yield made
    made.close()


def test_every_rule_that_is_true_is_found(matcher: DurableMatcher) -> None:
    assert matcher.matched(US, GIVEN) == ALL
    assert matcher.matched(US, facts({"country": "CA", "coupon_code": "A"})) == frozenset()
    assert matcher.matched(US, {}) == {"no coupon"}


def test_facts_leave_nothing_behind(matcher: DurableMatcher) -> None:
    for _ in range(50):
        assert matcher.matched(US, GIVEN) == ALL
        assert matcher.matched(US, {}) == {"no coupon"}


def test_a_set_without_rules_matches_nothing(matcher: DurableMatcher) -> None:
    assert matcher.matched(RuleConditions("none", ()), GIVEN) == frozenset()


@pytest.mark.parametrize("count", [59, 60, 61, 120, 200])
def test_any_number_of_rules_may_be_true_together(matcher: DurableMatcher, count: int) -> None:
    conditions = rules({f"r{n}": Always() if n % 2 else Leaf(f"t{n}", "missing", ()) for n in range(count)})
    assert len(matcher.matched(conditions, {})) == count


def test_one_hash_for_two_rule_sets_is_a_fault(matcher: DurableMatcher) -> None:
    matcher.matched(US, GIVEN)
    with pytest.raises(EngineFault, match="same hash"):
        matcher.matched(RuleConditions(US.hash, US.rules[:1]), GIVEN)


# ------------------------------------------------------------------ clocks


@pytest.mark.parametrize("tick", [0, 15, 6 * 3600, -6 * 3600])
def test_a_frozen_or_jumping_clock_changes_nothing(matcher: DurableMatcher, tick: int) -> None:
    with freeze_time("2024-02-29T23:59:59Z", auto_tick_seconds=tick):
        for _ in range(20):
            assert matcher.matched(US, GIVEN) == ALL
            assert matcher.matched(US, {}) == {"no coupon"}


def test_an_instant_from_a_frozen_clock_is_an_instant(matcher: DurableMatcher) -> None:
    conditions = one_rule(condition(["first_seen_at", "gte", "2024-01-01T00:00:00Z"]))
    with freeze_time("2024-01-01T00:00:00Z"):
        assert matcher.matched(conditions, {"first_seen_at": datetime.now(UTC)}) == {"r"}
    with freeze_time("2023-12-31T23:59:59.999999Z"):
        assert matcher.matched(conditions, {"first_seen_at": datetime.now(UTC)}) == frozenset()


# ------------------------------------------------------------------ faults


class Engine:
    """durable's engine, with one function replaced for one call and every call counted."""

    def __init__(self, name: str, instead: Callable[..., Any]) -> None:
        self.calls: list[str] = []
        self._instead = {name: instead}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            self.calls.append(name)
            return self._instead.pop(name, getattr(durable_rules_engine, name))(*given)

        return call


def raising(error: BaseException) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        raise error

    return call


def asserted_as(code: int) -> Callable[..., Any]:
    return lambda *given: (code, durable_rules_engine.assert_fact(*given)[1])


def with_an_exception(*given: Any) -> Any:
    state, result = durable_rules_engine.start_action_for_state(*given)
    return state.replace("}", ', "exception": "boom"}'), result


FAULTS = {
    "the engine raises on a fact": ("assert_fact", raising(RuntimeError("error code: 303"))),
    "the engine is out of memory": ("assert_fact", raising(MemoryError())),
    "the fact is refused": ("assert_fact", asserted_as(1)),
    "there is no result": ("start_action_for_state", lambda *given: None),
    "the state carries an exception": ("start_action_for_state", with_an_exception),
    "the rules end before the end": ("complete_and_start_action", lambda *given: None),
    "an action fails": ("complete_and_start_action", raising(RuntimeError("error code: 307"))),
    "a rule comes that nobody wrote": ("complete_and_start_action", lambda *given: '{"r99":{"m":{}}}'),
    "the fact cannot be withdrawn": ("retract_fact", raising(RuntimeError("error code: 305"))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_raised_and_the_set_built_anew(
    matcher: DurableMatcher, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    assert matcher.matched(US, GIVEN) == ALL
    engine = Engine(*FAULTS[fault])
    monkeypatch.setattr(durable_matcher, "durable", engine)
    with pytest.raises(EngineFault):
        matcher.matched(US, GIVEN)
    assert engine.calls.count("retract_fact") == 1
    assert engine.calls[-2:] == ["delete_state", "delete_ruleset"]
    assert matcher.matched(US, {}) == {"no coupon"}
    assert "create_ruleset" in engine.calls


def test_rules_that_fire_for_ever_are_stopped(matcher: DurableMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    matcher.matched(US, GIVEN)
    engine = Engine("none", raising(AssertionError()))
    engine.complete_and_start_action = lambda *given: '{"r0":{"m":{}}}'
    monkeypatch.setattr(durable_matcher, "durable", engine)
    with pytest.raises(EngineFault, match="for ever"):
        matcher.matched(US, GIVEN)


def test_a_worker_stopped_in_the_middle_leaves_nothing_behind(
    matcher: DurableMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher.matched(US, GIVEN)
    engine = Engine("complete_and_start_action", raising(KeyboardInterrupt()))
    monkeypatch.setattr(durable_matcher, "durable", engine)
    with pytest.raises(KeyboardInterrupt):
        matcher.matched(US, GIVEN)
    assert "retract_fact" in engine.calls
    assert matcher.matched(US, {}) == {"no coupon"}


def test_a_wrong_fact_is_a_fault_that_costs_no_compiled_set(
    matcher: DurableMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher.matched(US, GIVEN)
    engine = Engine("none", raising(AssertionError()))
    monkeypatch.setattr(durable_matcher, "durable", engine)
    for wrong in ({"country": 5}, {"country": "x" * 1025}, {"country": "\ud800"}, {"country": 1.5}):
        with pytest.raises(EngineFault):
            matcher.matched(US, wrong)  # type: ignore[arg-type]
    assert engine.calls == []


# ------------------------------------------------------------------ threads


@pytest.fixture
def hurried() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(count: int, work: Callable[[int], None]) -> None:
    failed: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


@pytest.mark.usefixtures("hurried")
def test_eight_threads_on_one_set_do_not_mix_their_facts(matcher: DurableMatcher) -> None:
    conditions = rules({f"is {n}": condition(["quantity", "eq", n]) for n in range(8)})

    def work(number: int) -> None:
        for _ in range(500):
            assert matcher.matched(conditions, {"quantity": number}) == {f"is {number}"}

    in_threads(8, work)


@pytest.mark.usefixtures("hurried")
def test_threads_may_evict_what_others_evaluate() -> None:
    matcher, reference, random = DurableMatcher(capacity=2), ReferenceMatcher(), Random(1)
    sets = [random_set(random, most_rules=3) for _ in range(6)]

    def work(number: int) -> None:
        mine = Random(number)
        for _ in range(100):
            conditions, given = mine.choice(sets), random_facts(mine)
            assert matcher.matched(conditions, given) == reference.matched(conditions, given)

    in_threads(8, work)
    matcher.close()
