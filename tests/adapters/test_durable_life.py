"""The life of rulesets and contexts in durable when used as its manual shows, and in the product."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.adapters.durable_matcher import SID, DurableMatcher
from app.rulelang.ast import Leaf
from tests.adapters.by_the_manual import by_the_manual, ended_by, matches
from tests.builders.conditions import condition, one_rule, rules

# glibc then fills what it hands out: a program that reads memory it never wrote to does not get away with it.
FILLED = {"MALLOC_PERTURB_": "165"}
ROOT = Path(__file__).parents[2]

EVICTION = """
from random import Random
from app.adapters.durable_matcher import DurableMatcher
from app.engine.reference import ReferenceMatcher
from tests.builders.random_rules import random_facts, random_set
random = Random(4)
sets = [random_set(random) for _ in range(30)]
matcher, reference = DurableMatcher(5), ReferenceMatcher()
for n in range(300):
    conditions, facts = random.choice(sets), random_facts(random)
    assert matcher.matched(conditions, facts) == reference.matched(conditions, facts)
matcher.close()
print(matcher.compiled)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc fills memory on demand")
def test_deleting_a_context_in_which_nothing_fired_crashes() -> None:
    """It reads a part of the context that is set when the first action starts. Where fresh memory happens to be zero it
    does nothing, so the crash comes and goes; here memory is filled."""
    script = "host = hosting({'r': {'a': 1}}); tried(host.assert_fact, 'x', {'id': '1', 'sid': '0', 'a': 2})\n"
    assert ended_by(script + "host.delete_state('x', '0')", **FILLED) == "SIGSEGV"
    command = [sys.executable, "-c", EVICTION]
    done = subprocess.run(
        command, env={**os.environ, **FILLED}, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert int(done.stdout) > 100


def test_after_1024_contexts_there_is_no_memory_for_another() -> None:
    script = """
host = hosting({'r': {'a': 1}})
for n in range(1030):
    tried(host.assert_fact, 'x', {'id': '1', 'sid': str(n), 'a': 1})
"""
    assert by_the_manual(script).split() == ["MemoryError"] * 6
    matcher, conditions = DurableMatcher(), one_rule(Leaf("quantity", "gte", (1_000,)))
    assert sum(len(matcher.matched(conditions, {"quantity": n})) for n in range(2_000)) == 1_000


@pytest.mark.parametrize("context", ["{'b': 1}", "{'sid': '0'}", "[{'b': 1}]"])
def test_an_object_as_context_cannot_be_read(context: str) -> None:
    """With 2.0.28 it is error 204 and the process survives; with other types the engine makes up a context."""
    given = f"{{'id': '1', 'a': 1, 'sid': {context}}}"
    assert "error code: 204" in by_the_manual(f"run({{'r': {{'a': 1}}}}, {given})")
    assert by_the_manual("run({'r': {'a': 1}}, {'id': '1', 'a': 1, 'sid': [7]})") == "r"
    assert matches(["sid", "eq", "A"], {"sid": "A"})  # a fact of that name is none of the engine's
    assert SID == "0"


def test_a_ruleset_can_be_neither_replaced_nor_removed() -> None:
    script = """
host = hosting({'r': {'a': 1}})
tried(host.register_rulesets, {'x': {'r': {'all': [{'m': {'a': 2}}], 'run': noting('r')}}})
print([n for n in dir(host) if 'remove' in n or 'delete' in n and 'ruleset' in n])
"""
    assert by_the_manual(script) == "Exception Ruleset with name x already registered\n[]"
    matcher = DurableMatcher(capacity=1)
    old, new = (rules({"r": condition(["quantity", "gte", least])}) for least in (5, 6))
    for _ in range(3):
        assert matcher.matched(old, {"quantity": 5}) == {"r"}
        assert matcher.matched(new, {"quantity": 5}) == frozenset()
    assert matcher.compiled == 6


def test_the_stock_host_starts_two_timers_that_renew_themselves() -> None:
    script = """
import threading, time
host, seen = Host(), set()
for _ in range(10):
    time.sleep(0.1)
    seen |= {thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)}
print(len(seen))
"""
    assert int(by_the_manual(script)) > 2
    before = threading.active_count()
    assert matches(["quantity", "eq", 1], {"quantity": 1})
    assert threading.active_count() == before
