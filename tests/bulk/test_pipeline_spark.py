"""The pipeline on Spark: random worlds and the CDNOW orders are decided as on DuckDB, and as the reference engine decides
them one by one. Without Java these tests are skipped.

Spark takes about a second for each statement, however little there is to decide, so there are few worlds with much in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.runner import Runner
from app.bulk.pipeline.world import World
from app.bulk.spark_engine import SparkRunner, has_java
from app.engine.decision import Decision, digest_of
from app.engine.factsheet import Conversion
from tests.builders.bulk_worlds import conversions, limited, models, sales, world
from tests.builders.cdnow_world import cdnow_world, full_orders, sample_orders
from tests.bulk.online import online

pytestmark = pytest.mark.skipif(not has_java(), reason="Spark needs Java 17, and there is none on this machine")

Decided = dict[tuple[str, str | None], Decision]
MORE = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8)]


@pytest.fixture
def runner() -> Iterator[SparkRunner]:
    found = SparkRunner()
    found.session.conf.set("spark.sql.shuffle.partitions", "2")
    yield found
    found.close()


@pytest.mark.parametrize("seed", [3, *MORE])
def test_touches_and_claims_are_decided_alike(runner: SparkRunner, seed: int) -> None:
    random = Random(1000 + seed)
    drawn = world(random, 3, models=models(random))
    found = _compare(runner, drawn, conversions(random, drawn, 200, touched=True), is_whole=seed == 3)
    assert {"rated", "ineligible", "unattributed"} <= {each.outcome for each in found.values()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_claims_are_decided_alike(runner: SparkRunner, seed: int) -> None:
    random = Random(seed)
    drawn = world(random, 4)
    _compare(runner, drawn, conversions(random, drawn, 200))


@pytest.mark.parametrize("seed", [0, *MORE])
def test_limits_whose_maximum_changes_come_to_the_same(runner: SparkRunner, seed: int) -> None:
    """Where something is taken back they are gone through one by one: few conversions, as each is a turn of its own."""
    random = Random(2000 + seed)
    drawn = limited(random, 4, alike=True)
    found = _compare(runner, drawn, sales(random, drawn, 48, refunds=True), is_whole=seed == 0)
    assert sum(_is_cut(each) for each in found.values()) > 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_limits_on_what_partners_share_come_to_the_same(runner: SparkRunner, seed: int) -> None:
    """Spark plans for most of a minute how limits with fallbacks look at lines, and anew for each turn."""
    random = Random(3000 + seed)
    drawn = limited(random, 3, alike=False, models=models(random))
    _compare(runner, drawn, sales(random, drawn, 14, refunds=False, touched=True), is_whole=seed == 0)


def test_the_orders_of_cdnow_are_decided_alike(runner: SparkRunner) -> None:
    _compare(runner, cdnow_world(), sample_orders(), is_whole=True)


@pytest.mark.slow
def test_all_orders_of_cdnow_are_decided_alike(runner: SparkRunner) -> None:
    _compare(runner, cdnow_world(), full_orders(), is_whole=True)


def _compare(runner: SparkRunner, drawn: World, given: Sequence[Conversion], *, is_whole: bool = False) -> Decided:
    """Decide on Spark, on DuckDB and one by one. A world that bulk says it does not run is no difference, unless it is
    meant to be whole."""
    duckdb = DuckDbRunner(threads=1)
    try:
        on_duckdb = _decided(duckdb, drawn, given)
    except NotInBulk as refusal:
        if is_whole:
            raise
        pytest.skip(f"not in bulk: {refusal}")
    finally:
        duckdb.close()
    on_spark, expected = _decided(runner, drawn, given), online(drawn, given)
    assert on_spark == on_duckdb == expected
    assert _digests(on_spark) == _digests(on_duckdb) == _digests(expected)
    return expected


def _decided(runner: Runner, drawn: World, given: Sequence[Conversion]) -> Decided:
    load_conversions(runner, drawn, given)
    return decisions_of(run(drawn, runner), given)


def _digests(found: Decided) -> dict[tuple[str, str | None], str]:
    return {key: digest_of(each.as_dict()) for key, each in found.items()}


def _is_cut(decision: Decision) -> bool:
    return any(line.amount < line.amount_precise.quantize(line.amount) for line in decision.lines)
