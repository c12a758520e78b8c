"""Payouts per item: sums over the items of an order, as online; fields that are lacking are missed."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.world import World
from tests.builders.bulk_worlds import conversions, paying_by_item, world
from tests.builders.terms import conversion, history
from tests.bulk.alike import compare

# In 53 other terms pay beyond a limit that is reached by nobody afterwards.
WHOLE = (0, 1, 53)
SEEDS = [*WHOLE, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(60) if seed not in WHOLE)]


@pytest.mark.parametrize("seed", SEEDS)
def test_items_are_paid_alike(runner: DuckDbRunner, seed: int) -> None:
    random = Random(6000 + seed)
    drawn = world(random, 3, items=True) if seed % 2 else paying_by_item(random, 3)
    try:
        compare(runner, drawn, conversions(random, drawn, 150))
    except NotInBulk as refusal:
        if seed in WHOLE:
            raise
        pytest.skip(f"not in bulk: {refusal}")


def test_each_item_counts_as_often_as_its_quantity_says(runner: DuckDbRunner) -> None:
    """Music: 5 % of 11.77 twice and of 3.10 once is 1.177 + 0.155; books: 0.25 for each of three and never for the CDs. That
    is 1.332 + 0.75 = 2.082 in one line, and the order without music has 0.75."""
    music = {"fact": "category", "op": "eq", "value": "music"}
    books = {"fact": "category", "op": "eq", "value": "books"}
    payout = {
        "otherwise": {
            "sum": [
                {"per_item": "items", "where": music, "then": {"percent": "5", "of": "price"}, "times": "quantity"},
                {"per_item": "items", "where": books, "then": {"flat": "0.25"}, "times": "quantity"},
            ]
        }
    }
    cds = [_item("music", 2, "11.77"), _item("music", 1, "3.10")]
    mixed = conversion("mixed", items=[*cds, _item("books", 3, "9.99")])
    plain = conversion("plain", items=[_item("books", 3, "9.99")])
    found = compare(runner, _shop(payout), [mixed, plain, conversion("none", items=[]), conversion("absent")])
    said = {of: (each.outcome, [(str(line.amount_precise), str(line.amount)) for line in each.lines])
            for (of, _), each in found.items()}  # fmt: skip
    assert said == {
        "mixed": ("rated", [("2.082", "2.08")]),
        "plain": ("rated", [("0.75", "0.75")]),
        "none": ("rated", [("0", "0.00")]),
        "absent": ("held", []),
    }


def test_an_item_that_is_paid_for_and_lacks_a_field_is_missed_and_no_other(runner: DuckDbRunner) -> None:
    on_sale = {"fact": "on_sale", "op": "eq", "value": True}
    payout = {"otherwise": {"per_item": "items", "where": on_sale, "then": {"amount": "discount"}}}
    lacking = [_item("music", 1, "5"), {**_item("music", 1, "5"), "on_sale": True}]
    other = [_item("music", 1, "5"), {**_item("music", 1, "5"), "on_sale": True, "discount": "1.25"}]
    found = compare(runner, _shop(payout), [conversion("c1", items=lacking), conversion("c2", items=other)])
    assert [reason.fact for reason in found["c1", "acme"].reasons] == ["items[2].discount"]
    assert [str(line.amount) for line in found["c2", "acme"].lines] == ["1.25"]


def _item(category: str, quantity: int, price: str) -> dict[str, Any]:
    return {"sku": "x", "category": category, "quantity": quantity, "price": price}


def _shop(payout: dict[str, Any]) -> World:
    terms = history([{"effective_from": "1990-01-01", "rules": {"payout": payout}}])
    return World("shop", "USD", shipped_catalogue(), {"acme": terms})
