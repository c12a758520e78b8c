"""The matcher in a process: its memory stays bounded, and a forked worker starts with compiled rules of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from app.adapters.durable_matcher import DurableMatcher
from tests.builders.conditions import condition, facts, rules

ROOT = Path(__file__).parents[2]

MEMORY = """
import random
from app.adapters import durable_matcher
from app.adapters.durable_matcher import DurableMatcher
from app.engine.matcher import EngineFault
from tests.builders.random_rules import random_facts, random_set

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

drawn = random.Random(3)
sets = [random_set(drawn) for _ in range(300)]
matcher = DurableMatcher(capacity=50)

def round():
    for conditions in sets:
        for _ in range(3):
            matcher.matched(conditions, random_facts(drawn))
"""


def measured(script: str) -> float:
    command = [sys.executable, "-c", MEMORY + script]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert run.returncode == 0, (run.returncode, run.stderr)
    return float(run.stdout)


def test_three_hundred_rule_sets_in_room_for_fifty_take_no_more_memory_each_time() -> None:
    grown = measured("round(); round(); before = resident(); [round() for _ in range(4)]; print(resident() - before)")
    assert grown < 15, f"{grown} MB more after 1,200 evictions"


def test_one_set_takes_no_more_memory_however_often_it_decides() -> None:
    grown = measured(
        "one = sets[0]; f = random_facts(drawn); [matcher.matched(one, f) for _ in range(2000)]; before = resident()\n"
        "for _ in range(20000): matcher.matched(one, f)\nprint(resident() - before)"
    )
    assert grown < 3, f"{grown} MB more after 20,000 decisions"


def test_faults_take_no_memory() -> None:
    grown = measured("""
stop = durable_matcher._EngineSet._names
def broken(self, context):
    names = stop(self, context)
    if self._turn > 1: raise RuntimeError
    return names
durable_matcher._EngineSet._names = broken
def faults(count):
    for _ in range(count):
        try: matcher.matched(sets[0], {})
        except EngineFault: pass
        else: raise AssertionError
faults(200); before = resident(); faults(1000); print(resident() - before)
""")
    assert grown < 10, f"{grown} MB more after 1,000 faults"


def test_a_short_soak_comes_to_its_end_without_a_fault_a_wrong_answer_or_growth() -> None:
    asked = ["--evaluations", "10000", "--versions", "100", "--capacity", "10"]
    command = [sys.executable, "-m", "tests.benchmarks.durable_soak", *asked]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert run.returncode == 0, run.stdout[-200:] + run.stderr
    assert "| 10,000 |" in run.stdout
    assert "faults 0, wrong answers 0" in run.stdout


def test_a_forked_worker_compiles_its_own() -> None:
    conditions = rules({f"is {n}": condition(["quantity", "eq", n]) for n in range(8)})
    matcher = DurableMatcher()
    assert matcher.matched(conditions, facts({"quantity": 1})) == {"is 1"}
    # Whatever the parent was doing: here its locks are held for ever, as by a thread that the child does not have.
    ruleset = matcher._shelf.take(conditions)
    held = threading.Thread(target=lambda: (ruleset.lock.acquire(), matcher._shelf._lock.acquire()))
    held.start()
    held.join()
    child = os.fork()
    if child == 0:
        right = all(matcher.matched(conditions, {"quantity": n % 8}) == {f"is {n % 8}"} for n in range(200))
        os._exit(0 if right and matcher._shelf.take(conditions) is not ruleset else 1)
    assert os.waitpid(child, 0)[1] == 0
