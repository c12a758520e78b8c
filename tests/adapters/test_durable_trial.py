"""The trial of rules before they are submitted: what would crash, hang or starve a worker is refused in its own process."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from random import Random
from typing import Any

import pytest

from app.adapters.confined import Limits
from app.adapters.durable_trial import DurableTrial, probes, rehearse, tried
from app.assembly import trial_for
from app.engine.matcher import RuleConditions, RulesNotRunnable, TrialNotRun, no_trial
from app.rulelang.ast import AllOf, AnyOf, Leaf
from app.settings import Settings
from tests.adapters import confined_tasks as tasks
from tests.builders.conditions import condition, one_rule, rules
from tests.builders.random_rules import random_set

TIGHT = Limits(cpu_seconds=1, memory_bytes=200 * 2**20, wall_seconds=20)
SMALL = Limits(cpu_seconds=10, memory_bytes=80 * 2**20, wall_seconds=30)
TRIAL = DurableTrial()


def raw(*conditions: Any) -> str:
    """Return a definition in the engine's own form."""
    return json.dumps({f"r{at}": {"all": [{"m": when}]} for at, when in enumerate(conditions)})


# As the engine's manual would write `first << m.c == 0, m.a > first.b / first.c`.
DIVIDES = json.dumps(
    {
        "r": {
            "all": [
                {"first": {"c": 0}},
                {"m": {"$gt": {"a": {"$div": {"$l": {"first": "b"}, "$r": {"first": "c"}}}}}},
            ]
        }
    }
)
DIVIDED = ('{"id": "1", "sid": "0", "a": 1, "b": 6, "c": 0}', '{"id": "2", "sid": "0", "a": 1, "b": 6}')
SIBLINGS = raw(*({f"f{n}": n} for n in range(600)))


@pytest.mark.parametrize(
    ("task", "limits", "because"),
    [
        (partial(tasks.compile_definition, SIBLINGS), TIGHT, "it was not done after 1 s of CPU time"),
        (partial(tasks.assert_raw, DIVIDES, *DIVIDED), TIGHT, r"it crashed \(SIGFPE\)"),
        (partial(tasks.compile_definition, '{"r": {"all": 5}}'), TIGHT, "error code: 204"),
        (partial(tasks.eat_memory), SMALL, r"it needs more than 80 MB of memory|it crashed \(SIGSEGV\)"),
    ],
    ids=["the compiler hangs", "the engine crashes", "the definition is wrong", "the memory is eaten"],
)
def test_what_would_harm_a_worker_is_refused_within_its_limits(
    task: partial[None], limits: Limits, because: str
) -> None:
    started = time.monotonic()
    with pytest.raises(RulesNotRunnable, match=because) as refused:
        tried(task, limits)
    assert time.monotonic() - started < limits.wall_seconds
    assert "Nothing was submitted" in refused.value.message


def test_a_machine_that_is_too_busy_is_no_fault_of_the_rules() -> None:
    with pytest.raises(TrialNotRun, match="try again"):
        tried(partial(tasks.sleep, 60), Limits(wall_seconds=1))


def test_rules_that_run_pass() -> None:
    drawn = Random(5)
    TRIAL([random_set(drawn) for _ in range(20)])


def test_the_largest_rules_of_the_language_pass_within_the_ordinary_limits() -> None:
    alternatives = [AnyOf(tuple(Leaf(f"a{m}", "eq", (f"x{n}",)) for m in range(12))) for n in range(200)]
    lists = [Leaf(f"t{m}", "in", tuple(range(m, m + 8)), "match") for m in range(38)]
    TRIAL([rules({f"r{n}": AllOf((alternatives[n], *lists)) for n in range(200)})] * 2)


def test_nothing_is_started_for_rules_without_conditions() -> None:
    tried_with_no_time = DurableTrial(Limits(cpu_seconds=0, wall_seconds=0))
    tried_with_no_time([RuleConditions("none", ())])
    tried_with_no_time([])


def test_an_engine_that_disagrees_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = one_rule(condition(["quantity", "gte", 5]))
    rehearse([conditions])
    monkeypatch.setattr("app.adapters.durable_trial.DurableMatcher", OffByOne)
    with pytest.raises(ValueError, match=r"disagrees with the reference engine on r for \{'quantity': 5\}"):
        rehearse([conditions])


class OffByOne:
    """An engine that takes `at least` for `more than`."""

    def matched(self, conditions: RuleConditions, facts: Any) -> frozenset[str]:
        return frozenset(rule for rule, when in conditions.rules if facts.get("quantity", 0) > when.expected[0])  # type: ignore[union-attr]

    def close(self) -> None: ...


def test_probes_are_no_facts_and_then_each_literal() -> None:
    asked = condition({"any": [["country", "in", ["US", "CA"]], ["skus", "contains_any", ["A"]]]})
    assert list(probes([asked, condition(["country", "eq", "MX"])])) == [
        {},
        {"country": "US", "skus": ("A",)},
        {"country": "CA", "skus": ("A",)},
        {"country": "MX", "skus": ("A",)},
    ]


def test_several_threads_may_try_rules_at_once() -> None:
    refused: list[str] = []

    def run(number: int) -> None:
        TRIAL([one_rule(condition(["quantity", "eq", number]))])
        try:
            tried(partial(tasks.end_by, "SIGFPE"), TIGHT)
        except RulesNotRunnable as error:
            refused.append(error.message)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 6


def test_rules_are_tried_where_durable_decides() -> None:
    assert isinstance(trial_for(Settings(engine="durable")), DurableTrial)
    assert trial_for(Settings(engine="reference")) is no_trial
