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

MONTHLY = {
    "mode": "graduated",
    "by": {"count": True},
    "window": "month",
    "rate": "per_unit",
    "steps": [{"up_to": None, "unit": "1"}],
}
CAP = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "1"}


@pytest.mark.parametrize(
    ("payout", "reason"),
    [
        ({"otherwise": {"tiers": MONTHLY}, "limits": [{**CAP, "over": "reject"}]}, "rejects or holds"),
        ({"otherwise": {"per_item": "items", "then": {"flat": "1"}}}, "PerItem is not priced"),
        ({"otherwise": {"percent": "999999999999999999.999999999", "of": "order_value"}}, "more than 38 digits"),
        ({"otherwise": {"flat": "999999999999999999"}, "limits": [{**CAP, "over": "zero"}]}, "more minor units"),
    ],
)
def test_terms_are_refused(payout: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotInBulk, match=reason):
        _run(payout, [conversion("c1", order_value="4611686018427")])


def test_money_in_another_currency_is_refused_once_there_is_some() -> None:
    paid = {"otherwise": {"percent": "5", "of": "order_value"}}
    _run(paid, [conversion("c1", order_value="5", currency="USD")])
    with pytest.raises(NotInBulk, match=r"c2: money in another currency"):
        _run(paid, [conversion("c1", order_value="5"), conversion("c2", order_value="5", currency="EUR")])


def test_limits_of_a_customer_beside_others_are_refused_once_one_is_reached() -> None:
    each = {**CAP, "id": "each", "per": "customer", "over": "zero", "max": "3"}
    paid = {"otherwise": {"amount": "order_value"}, "limits": [{**CAP, "max": "10", "over": "partial"}, each]}
    one, two = (conversion(f"c{at}", order_value="2", customer_id="ann") for at in (1, 2))
    _run(paid, [one])
    with pytest.raises(NotInBulk, match="beside limits of all"):
        _run(paid, [one, two])


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
