"""What the pipeline does not run exactly it refuses, with a reason and a place."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.run import load_conversions, run
from app.bulk.pipeline.world import World
from app.engine.factsheet import Conversion
from app.engine.reversals import Reversal
from tests.builders.terms import conversion, history, instant


def test_money_in_another_currency_is_refused_once_there_is_some() -> None:
    paid = {"otherwise": {"percent": "5", "of": "order_value"}}
    _run(paid, [conversion("c1", order_value="5", currency="USD")])
    with pytest.raises(NotInBulk, match=r"c2: money in another currency"):
        _run(paid, [conversion("c1", order_value="5"), conversion("c2", order_value="5", currency="EUR")])


def test_a_part_that_is_finer_than_facts_are_is_refused() -> None:
    back = Reversal("r1", instant("1997-08-01"), "restate", Decimal("0.0000001"), False)
    with pytest.raises(NotInBulk, match="c1: a part came back that has more than 6 digits"):
        _run({"otherwise": {"flat": "1"}}, [replace(conversion("c1"), reversals=(back,))])


def _run(payout: dict[str, Any], conversions: list[Conversion]) -> None:
    terms = history([{"effective_from": "1990-01-01", "rules": {"payout": payout}}])
    world = World("shop", "USD", shipped_catalogue(), {"acme": terms})
    runner = DuckDbRunner()
    try:
        load_conversions(runner, world, conversions)
        run(world, runner)
    finally:
        runner.close()
