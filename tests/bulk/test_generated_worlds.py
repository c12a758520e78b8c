"""Large generated worlds: 200,000 conversions over fifty contracts of random rules, decided in bulk on DuckDB
and one by one by the reference engine. Every field and every digest is the same.

    pytest -s tests/bulk/test_generated_worlds.py --runs 100 --seed 7

plays a hundred worlds of 100,000 conversions instead of two. What a world has to have in it is counted, and held.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.run import each_decided, load_conversions, run
from app.bulk.pipeline.sharing import splits
from app.bulk.pipeline.world import World
from app.engine.admission import DUPLICATE_ORDER
from app.engine.decision import ADJUSTMENT, Decision, digest_of
from app.engine.factsheet import Conversion
from app.engine.payout.lines import FALLBACK
from tests.builders.large_worlds import COUNTS, SUMS, large_world, touched_orders
from tests.bulk.online import each_online

CONTRACTS, WORLDS = 50, 2
CONVERSIONS = 100_000

# What each world has at least: with less, something would be compared hardly or not at all.
FLOORS = {
    "rated": 24_000,
    "ineligible": 3_000,
    "held": 1_800,
    "unattributed": 6_000,
    "no_contract": 300,
    "in the first step of tiers": 1_500,
    "in the second step of tiers": 600,
    "in the third step of tiers": 150,
    "touched by a limit": 900,
    "refused by a limit": 150,
    "under later versions": 4_500,
    "of several lines": 1_200,
    "order counted before": 900,
}
# What only some models and tables have.
OF_SHARES, OF_SINGLE_CREDIT = {"shared": 6_000, "paid by a fallback": 60}, {"adjusted": 6}


@pytest.fixture
def frozen() -> Iterator[None]:
    """Nothing made here is garbage before the end; looking for it among millions of objects takes half of the time."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play as many worlds as are asked for, each a test of its own."""
    metafunc.parametrize("number", range(metafunc.config.getoption("--runs") or WORLDS))


@pytest.mark.usefixtures("frozen")
def test_a_large_world_is_decided_alike(request: pytest.FixtureRequest, number: int) -> None:
    where = f"world {number} of seed {request.config.getoption('--seed') or 0}"
    random = Random(where)
    world = large_world(random, CONTRACTS, number, CONVERSIONS)
    started = time.process_time()
    found = _alike(world, touched_orders(random, world, CONVERSIONS), where)
    print(
        f"{where}: {CONVERSIONS:,} conversions, {time.process_time() - started:.0f} s of CPU, {dict(found)}", flush=True
    )
    floors = FLOORS | (OF_SHARES if splits([model for _, model in world.models]) else OF_SINGLE_CREDIT)
    assert found["conversions"] == CONVERSIONS
    assert not {name: found[name] for name, floor in floors.items() if found[name] < floor}


def _alike(world: World, given: list[Conversion], where: str) -> Counter[str]:
    """Compare all decisions of a world, and return what was in them."""
    runner, counted = DuckDbRunner(threads=1), Counter(conversions=len(given))
    try:
        load_conversions(runner, world, given)
        in_bulk = each_decided(run(world, runner), given)
        for (one, found), (other, expected) in zip(in_bulk, each_online(world, given), strict=True):
            assert (one.id, one.duplicate_of) == (other.id, other.duplicate_of), where
            assert found == expected, f"{where}: {one.id}"
            assert _digests(found) == _digests(expected), f"{where}: {one.id}"
            for decision in expected.values():
                counted.update(_held_in(decision))
    finally:
        runner.close()
    return counted


def _digests(decisions: dict[str | None, Decision]) -> dict[str | None, str]:
    return {partner: digest_of(each.as_dict()) for partner, each in decisions.items()}


def _held_in(decision: Decision) -> Iterator[str]:
    """Yield what a decision is an example of."""
    yield decision.outcome
    limits = [reason for reason in decision.reasons if reason.code.startswith("LIMIT")]
    if decision.outcome != "rated":
        if limits:
            yield "refused by a limit"
        if any(reason.code == DUPLICATE_ORDER for reason in decision.reasons):
            yield "order counted before"
        return
    if decision.credit[0][1] != "1":
        yield "shared"
    if limits:
        yield "touched by a limit"
    if (decision.contract_version or 1) > 1:
        yield "under later versions"
    if len(decision.lines) > 1:
        yield "of several lines"
    parts = {line.part for line in decision.lines}
    if ADJUSTMENT in parts:
        yield "adjusted"
    if FALLBACK in parts:
        yield "paid by a fallback"
    if any(line.formula == "tiers" for line in decision.lines):
        yield from _steps(decision)


def _steps(decision: Decision) -> Iterator[str]:
    """Yield the step of tiers at which a conversion comes, by what its counter held before."""
    ends = {"count": COUNTS, "sum": SUMS}
    for counter, held in decision.before.items():
        if counter.measure in ends:
            step = sum(held >= end for end in ends[counter.measure])
            yield f"in the {('first', 'second', 'third')[step]} step of tiers"
