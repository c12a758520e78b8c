"""Random worlds: rule bodies over the whole grammar, versions, zones, currencies, touches and limits are decided in bulk
exactly as the reference engine decides them one by one."""

from __future__ import annotations

from random import Random

import pytest

from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.world import World
from app.engine.decision import digest_of
from app.engine.factsheet import Conversion
from tests.builders.bulk_worlds import conversions, limited, models, sales, world
from tests.bulk.online import online

# Worlds that bulk runs whole: were one of them refused, nothing would be compared, and the test fails.
WHOLE = (0, 3, 5)
SEEDS = [*WHOLE, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(60) if seed not in WHOLE)]


@pytest.mark.parametrize("seed", SEEDS)
def test_claims_are_decided_alike(runner: DuckDbRunner, seed: int) -> None:
    random = Random(seed)
    drawn = world(random, 4)
    _compare(runner, drawn, conversions(random, drawn, 200), seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_touches_are_attributed_alike(runner: DuckDbRunner, seed: int) -> None:
    random = Random(1000 + seed)
    drawn = world(random, 3, models=models(random))
    _compare(runner, drawn, conversions(random, drawn, 150, touched=True), seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alike", [True, False])
def test_limits_come_to_the_same(runner: DuckDbRunner, seed: int, alike: bool) -> None:
    random = Random(2000 + seed)
    drawn = limited(random, 4, alike=alike)
    given = sales(random, drawn, 120, refunds=seed % 2 == 1)
    _compare(runner, drawn, given, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_limits_on_what_partners_share_come_to_the_same(runner: DuckDbRunner, seed: int) -> None:
    random = Random(3000 + seed)
    drawn = limited(random, 3, alike=False, models=models(random))
    _compare(runner, drawn, sales(random, drawn, 120, refunds=False, touched=True), seed)


def _compare(runner: DuckDbRunner, drawn: World, given: list[Conversion], seed: int) -> None:
    """Decide both ways; what bulk says by itself that it does not run is no difference."""
    load_conversions(runner, drawn, given)
    try:
        found = decisions_of(run(drawn, runner), given)
    except NotInBulk as refusal:
        if seed in WHOLE:
            raise
        pytest.skip(f"not in bulk: {refusal}")
    expected = online(drawn, given)
    assert found == expected
    assert {key: digest_of(each.as_dict()) for key, each in found.items()} == {
        key: digest_of(each.as_dict()) for key, each in expected.items()
    }
