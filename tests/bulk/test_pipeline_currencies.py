"""Orders in other currencies than the contract's: at the rate that is agreed, held where none is known, as online."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.world import World
from app.engine.exchange import Exchange, Rate
from app.engine.settlement import settlement_from
from app.engine.terms import TermsHistory
from tests.builders.bulk_worlds import abroad, conversions, limited, models, paying_by_item, priced_abroad, sales, world
from tests.builders.terms import conversion, history
from tests.bulk.alike import compare

WHOLE = (0, 1)
SEEDS = [*WHOLE, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(80) if seed not in WHOLE)]


@pytest.mark.parametrize("seed", SEEDS)
def test_money_is_converted_alike(runner: DuckDbRunner, seed: int) -> None:
    random = Random(7000 + seed)
    match seed % 4:
        case 0:
            drawn = abroad(random, world(random, 3, models=models(random)))
            given = conversions(random, drawn, 120, touched=True)
        case 1:
            drawn = abroad(random, limited(random, 3, alike=False))
            given = sales(random, drawn, 100, refunds=True)
        case 2:
            drawn = abroad(random, paying_by_item(random, 3))
            given = conversions(random, drawn, 120)
        case _:
            drawn = abroad(random, world(random, 3))
            given = conversions(random, drawn, 120)
    try:
        compare(runner, drawn, priced_abroad(random, drawn, given))
    except NotInBulk as refusal:
        if seed in WHOLE:
            raise
        pytest.skip(f"not in bulk: {refusal}")


RATES = {
    ("EUR", date(1997, 7, 2)): Rate(Decimal("1.1"), "bank"),
    ("EUR", date(1997, 7, 31)): Rate(Decimal("1.2"), "bank"),
}


def _rate_of(source: str, target: str, day: date, final_at: datetime | None) -> Rate | None:
    return RATES.get((source, day))


def _shop(settlement: dict[str, Any], payout: dict[str, Any]) -> World:
    terms = history([{"effective_from": "1990-01-01", "rules": {"payout": payout}}])
    version = replace(terms.spans[0].version, settlement=settlement_from(settlement))
    of = TermsHistory(terms.contract, [version], terms.as_of)
    exchange = Exchange(shipped_catalogue(), _rate_of)
    return World("shop", "USD", shipped_catalogue(), {"acme": of}, exchange=exchange)


@pytest.mark.parametrize(
    ("settlement", "amount"),
    [
        # 10.05 EUR at 1.1 are 11.055 USD, 5 % of which are 0.55275.
        ({"fx": {"date": "event"}}, "0.55275"),
        # The month of 2 July locks on 31 August at the earliest: no rate. The 29th day behind the event is 31 July: 1.2.
        ({"fx": {"date": "lock"}, "lock": {"event_days": 29}}, "0.603"),
        ({"fx": {"date": "lock"}, "lock": {"month_end_days": 31}}, None),
        ({"fx": {"date": "fixed", "rates": {"EUR": "2"}}}, "1.005"),
        ({"fx": {"date": "fixed", "rates": {"GBP": "2"}}}, None),
    ],
)
def test_the_agreed_rate_is_taken(runner: DuckDbRunner, settlement: dict[str, Any], amount: str | None) -> None:
    drawn = _shop(settlement, {"otherwise": {"percent": "5", "of": "order_value"}})
    given = [conversion("c1", order_value="10.05", currency="EUR"), conversion("c2", order_value="10.05")]
    found = compare(runner, drawn, given)
    assert [line.amount_precise for line in found["c2", "acme"].lines] == [Decimal("0.5025")]
    one = found["c1", "acme"]
    if amount is None:
        assert (one.outcome, [reason.code for reason in one.reasons]) == ("held", ["NO_RATE"])
    else:
        assert [line.amount_precise for line in one.lines] == [Decimal(amount)]
        assert one.lines[0].fx == one.fx is not None


def test_an_amount_that_nothing_reads_and_that_is_too_large_holds_the_order(runner: DuckDbRunner) -> None:
    """1.1 times 4,200,000,000,000 are more than a fact may be; the same order in dollars is paid."""
    drawn = _shop({}, {"otherwise": {"percent": "5", "of": "order_value"}})
    large = {"order_value": "10", "tax": "4200000000000"}
    found = compare(runner, drawn, [conversion("c1", currency="EUR", **large), conversion("c2", **large)])
    assert [reason.fact for reason in found["c1", "acme"].reasons] == ["tax"]
    assert found["c2", "acme"].outcome == "rated"


def test_prices_of_items_are_converted_one_by_one(runner: DuckDbRunner) -> None:
    """0.000005 at 1.1 is 0.0000055, to six digits 0.000006; twice of it and 11.00: 11.000012."""
    drawn = _shop({}, {"otherwise": {"per_item": "items", "then": {"amount": "price"}}})
    items = [{"sku": "x", "quantity": 1, "price": price} for price in ("0.000005", "0.000005", "10")]
    found = compare(runner, drawn, [conversion("c1", currency="EUR", items=items)])
    assert [line.amount_precise for line in found["c1", "acme"].lines] == [Decimal("11.000012")]
