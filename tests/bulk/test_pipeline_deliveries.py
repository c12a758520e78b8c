"""Conversions of contracts that pay for deliveries are decided in bulk, as long as no limit is over both."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.run import decisions_of, load_conversions, planned, run
from app.bulk.pipeline.world import World
from app.engine.decision import Decision, digest_of
from app.engine.factsheet import Conversion
from tests.builders.bulk_worlds import conversions, models, world
from tests.builders.delivery_worlds import paying_deliveries
from tests.builders.terms import conversion, history
from tests.bulk.online import online

# Worlds that bulk runs whole, with orders that are paid and orders that only deliveries would be.
WHOLE = (2, 4, 10)
SEEDS = [*WHOLE, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(60) if seed not in WHOLE)]
PER_DELIVERY = {"on": "delivery", "otherwise": {"cpm": "5.00", "of": "delivery.billable"}}
CAP = {"id": "cap", "measure": "amount", "per": "contract", "window": "month", "max": "10.00", "over": "partial"}


@pytest.mark.parametrize("seed", SEEDS)
def test_contracts_that_pay_for_deliveries_as_well_are_decided_alike(runner: DuckDbRunner, seed: int) -> None:
    random = Random(7000 + seed)
    plain = world(random, 3, models=models(random))
    drawn = paying_deliveries(random, plain)
    given = conversions(random, drawn, 150, touched=seed % 2 == 0)
    expected = online(drawn, given)
    try:
        found = _decided(runner, drawn, given)
    except NotInBulk as refusal:
        if seed in WHOLE:
            raise
        pytest.skip(f"not in bulk: {refusal}")
    assert found == expected
    assert {key: digest_of(each.as_dict()) for key, each in found.items()} == {
        key: digest_of(each.as_dict()) for key, each in expected.items()
    }
    if seed in WHOLE:
        said = Counter(reason.code for each in expected.values() for reason in each.reasons)
        assert said["PAID_PER_DELIVERY"]
        assert any(each.lines for each in expected.values())


def test_an_order_is_paid_by_whoever_pays_for_orders(runner: DuckDbRunner) -> None:
    # 10 % of orders until July; from then on 5.00 a thousand impressions and nothing else; from August on both. An order of
    # 20.00 in each month pays 2.00, nothing, and 2.00. Each customer is paid at most 3.00 a month: the second of June 1.00.
    limit = {"id": "each", "measure": "amount", "per": "customer", "window": "month", "max": "3.00", "over": "partial"}
    paid = {"otherwise": {"percent": "10", "of": "order_value"}, "limits": [limit]}
    terms = history(
        [
            {"effective_from": "1997-06-01", "rules": {"payout": paid}},
            {"effective_from": "1997-07-01", "rules": {"payout": {**PER_DELIVERY, "limits": [CAP]}}},
            {"effective_from": "1997-08-01", "rules": {"payout": paid, "delivery_payout": PER_DELIVERY}},
        ]
    )
    given = [
        conversion(f"c{number}", f"1997-{month:02}-15T12:00:00Z", order_value="20.00", customer_id="ann")
        for number, month in enumerate((6, 6, 7, 8))
    ]
    drawn = World("shop", "USD", shipped_catalogue(), {"acme": terms})
    found = _decided(runner, drawn, given)
    assert found == online(drawn, given)
    assert [each.amount for each in found.values()] == [Decimal("2.00"), Decimal("1.00"), Decimal(0), Decimal("2.00")]
    assert [reason.code for reason in found["c2", "acme"].reasons] == ["PAID_PER_DELIVERY"]


@pytest.mark.parametrize(
    "rules",
    [
        {"payout": {"limits": [CAP]}, "delivery_payout": PER_DELIVERY},
        {"payout": {}, "delivery_payout": {**PER_DELIVERY, "limits": [CAP]}},
    ],
)
def test_a_limit_over_both_is_refused(runner: DuckDbRunner, rules: dict[str, Any]) -> None:
    terms = history([{"effective_from": "1990-01-01", "rules": rules}])
    drawn = World("shop", "USD", shipped_catalogue(), {"acme": terms})
    load_conversions(runner, drawn, [conversion()])
    with pytest.raises(NotInBulk, match="acme: a limit on what is paid for conversions and deliveries together"):
        planned(drawn, runner)


def _decided(runner: DuckDbRunner, drawn: World, given: list[Conversion]) -> dict[tuple[str, str | None], Decision]:
    load_conversions(runner, drawn, given)
    return decisions_of(run(drawn, runner), given)
