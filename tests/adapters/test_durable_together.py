"""The matcher under threads and forks at the same time: constant eviction, forks in mid-evaluation, every answer right."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from app.adapters.durable_matcher import DurableMatcher, _EngineSet
from app.engine.matcher import RuleConditions
from app.engine.reference import ReferenceMatcher
from tests.builders.random_rules import random_facts, random_set

# Newer Pythons warn of what is done here on purpose, as a server does that loads the application before it forks.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

SECONDS = [pytest.param(3, id="3 s"), pytest.param(60, id="60 s", marks=pytest.mark.slow)]


@pytest.fixture(autouse=True)
def hurried() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def drawn_sets(seed: int) -> list[RuleConditions]:
    random = Random(seed)
    return [random_set(random, most_rules=4) for _ in range(8)]


def decided(matcher: DurableMatcher, sets: list[RuleConditions], seed: int, is_over: Callable[[int], bool]) -> int:
    """Decide until it is over. Return how often; AssertionError if an answer is not the reference engine's."""
    reference, random, count = ReferenceMatcher(), Random(seed), 0
    while not is_over(count):
        conditions, given = random.choice(sets), random_facts(random)
        assert matcher.matched(conditions, given) == reference.matched(conditions, given), (conditions, given)
        count += 1
    return count


@contextmanager
def threads_deciding(matcher: DurableMatcher, sets: list[RuleConditions], threads: int = 4) -> Iterator[list[int]]:
    """Have threads decide while the block runs; the counts are there in the end. A wrong answer or fault is raised."""
    over, counts, failed = threading.Event(), list[int](), list[BaseException]()

    def run(seed: int) -> None:
        try:
            counts.append(decided(matcher, sets, seed, lambda _: over.is_set()))
        except BaseException as error:
            failed.append(error)

    running = [threading.Thread(target=run, args=(seed,)) for seed in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield counts
    finally:
        over.set()
        for thread in running:
            thread.join()
    assert not failed, failed


def forked(work: Callable[[], None]) -> int:
    """Start a child that works and leaves with 0 if nothing was raised."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    return child


def statuses(children: list[int]) -> list[int]:
    return [os.waitpid(child, 0)[1] for child in children]


@pytest.mark.parametrize("seconds", SECONDS)
def test_threads_with_room_for_two_of_eight_rule_versions_are_always_right(seconds: int) -> None:
    matcher = DurableMatcher(capacity=2)
    with threads_deciding(matcher, drawn_sets(1), threads=8) as counts:
        time.sleep(seconds)
    assert len(counts) == 8
    assert min(counts) > 10
    assert matcher.compiled > 100  # they did evict each other's
    matcher.close()


@pytest.mark.parametrize("seconds", SECONDS)
def test_workers_forked_while_threads_decide_are_right_and_so_are_the_threads(seconds: int) -> None:
    matcher, sets, forks = DurableMatcher(capacity=3), drawn_sets(2), 0
    until = time.monotonic() + seconds
    with threads_deciding(matcher, sets) as counts:
        while time.monotonic() < until:
            seeds = range(forks, forks + 3)
            children = [
                forked(lambda seed=seed: decided(matcher, sets, seed, lambda count: count == 30))  # type: ignore[misc]
                for seed in seeds
            ]
            assert statuses(children) == [0, 0, 0]
            forks += 3
    assert forks >= 3
    assert min(counts) > 10
    matcher.close()


def test_workers_of_a_server_that_loaded_first_have_threads_of_their_own() -> None:
    matcher, sets = DurableMatcher(capacity=3), drawn_sets(3)
    decided(matcher, sets, 0, lambda count: count == 50)

    def serve() -> None:
        with threads_deciding(matcher, sets, threads=3) as counts:
            time.sleep(0.5)
        assert len(counts) == 3

    children = [forked(serve) for _ in range(3)]
    decided(matcher, sets, 1, lambda count: count == 200)
    assert statuses(children) == [0, 0, 0]
    matcher.close()


def test_a_fork_between_a_fact_going_in_and_coming_out_harms_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    matcher, sets = DurableMatcher(capacity=3), drawn_sets(4)
    children: list[int] = []

    names = _EngineSet._names

    def forking(self: _EngineSet, context: int) -> list[str]:
        if len(children) < 5 and self._turn > 1:
            children.append(-1)
            children[-1] = forked(lambda: in_child())
        return names(self, context)

    def in_child() -> None:
        children.extend([-1] * 5)  # it does not fork in its turn
        decided(matcher, sets, 9, lambda count: count == 20)

    monkeypatch.setattr(_EngineSet, "_names", forking)
    decided(matcher, sets, 5, lambda count: count == 200)
    assert len(children) == 5
    assert statuses(children) == [0] * 5
    matcher.close()
