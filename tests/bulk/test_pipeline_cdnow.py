"""The CDNOW orders in bulk: the statements that were worked out without the product, and every decision as online."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.statements import statements
from app.core.resources import shipped
from app.engine.decision import digest_of
from app.engine.factsheet import Conversion
from app.engine.matcher import EngineFault
from tests.builders.cdnow_world import cdnow_world, full_orders, sample_orders
from tests.bulk.online import online


def test_the_sample_comes_to_what_was_worked_out_without_the_product() -> None:
    assert _statements(sample_orders()) == _expected(shipped("fixtures", "data", "expected_cdnow_sample.csv"))


def test_all_orders_in_little_memory_come_to_what_was_worked_out_without_the_product(tmp_path: Path) -> None:
    """Without a folder to spill to they do not fit, which is said and never answered with less."""
    with pytest.raises(EngineFault, match="Out of Memory"):
        _statements(full_orders(), memory="64MB")
    assert _statements(full_orders(), tmp_path, memory="64MB") == _expected(
        shipped("fixtures", "data", "expected_cdnow_full.csv")
    )


@pytest.mark.slow
def test_every_decision_on_all_orders_is_that_of_the_reference() -> None:
    _compare(full_orders())


def test_every_decision_on_the_first_orders_is_that_of_the_reference() -> None:
    _compare(sample_orders()[:4000])


def _compare(orders: list[Conversion]) -> None:
    world, runner = cdnow_world(), DuckDbRunner()
    try:
        load_conversions(runner, world, orders)
        found = decisions_of(run(world, runner), orders)
    finally:
        runner.close()
    expected = online(world, orders)
    assert found == expected
    digests = {key: digest_of(decision.as_dict()) for key, decision in found.items()}
    assert digests == {key: digest_of(decision.as_dict()) for key, decision in expected.items()}


def _statements(
    orders: list[Conversion], spill: Path | None = None, memory: str | None = None
) -> dict[tuple[str, str], tuple[int, str]]:
    world, runner = cdnow_world(), DuckDbRunner(memory=memory, spill=spill)
    try:
        load_conversions(runner, world, orders)
        totals = list(statements(run(world, runner)))
    finally:
        runner.close()
    return {(each.partner, each.month.isoformat()[:7]): (each.lines, f"{each.amount:.2f}") for each in totals}


def _expected(path: Path) -> dict[tuple[str, str], tuple[int, str]]:
    with path.open(newline="") as file:
        return {(row["contract"], row["period"]): (int(row["lines"]), row["total"]) for row in csv.DictReader(file)}
