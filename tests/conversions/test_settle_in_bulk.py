"""A program settled in bulk has the decisions that it has when it is settled one by one, and where bulk does not hold it
nothing is written before it is settled online."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from app.bulk.choice import Settling
from app.bulk.pipeline.refusals import NotInBulk
from app.contracts.operations.create_contract import create_contract
from app.conversions import in_bulk
from app.conversions.book import contract_book
from app.conversions.operations.receive_conversions import store_conversions
from app.conversions.operations.reverse_conversion import reverse_conversion
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import unsettled_places
from app.conversions.writing import Writer
from app.partners.repository import program_named
from app.runtime import Context, Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, order, rules, shop
from tests.builders.terms import instant

TIERS = """
kind: payout
"on": conversion
hit: first
rules: []
otherwise:
  tiers:
    {mode: graduated, by: {sum: order_value}, window: month, rate: percent,
     steps: [{up_to: "100", unit: "5"}, {up_to: null, unit: "8"}]}
limits:
  - {id: cap, measure: amount, per: contract, window: month, max: "20.00", over: partial}
"""
PAID = "SELECT partner, sum(amount) AS paid FROM decisions WHERE retired_at IS NULL AND amount > 0 GROUP BY partner"
COLUMNS = "SELECT * FROM decisions ORDER BY id"


@pytest.fixture
def books(runtime: Runtime, tmp_path: Path) -> Iterator[Context]:
    """A shop with two partners, one of them paid by tiers under a cap, at an instant after it all."""
    frozen = replace(runtime, clock=lambda: instant("1998-01-01T00:00:00Z"), settling=Settling(spill=tmp_path))
    with frozen.work("tester") as ctx:
        shop(ctx, "acme", "bolt")
        agreed(ctx, "acme", "1997-01-01", rules=rules(TIERS))
        agreed(ctx, "bolt", "1997-01-01", rules=rules(TIERS.replace('"20.00"', '"9.00"')))
        yield ctx


def sales(numbers: range) -> list[dict[str, Any]]:
    """Return orders of two partners, and of nobody's, each of 30.00 on its day of July; ids do not sort by time."""
    partners = ("acme", "bolt", None)
    return [
        order(f"o{97 - number}", f"1997-07-{number:02}T12:00:00Z", "30.00", partners[number % 3], customer_id="c")
        for number in numbers
    ]


def test_what_is_settled_in_bulk_is_what_is_settled_one_by_one(
    books: Context, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_bulk, "PAGE", 4)
    heard: list[int] = []
    found: dict[str, list[tuple[Any, ...]]] = {}
    paid: dict[str, dict[str, Decimal]] = {}
    for engine in ("online", "duckdb"):
        with taken_back(connection):
            for part in (range(10, 20), range(1, 10), range(20, 28)):
                store_conversions(books, sales(part))
                settled = settle_program(books, "shop", heard.append if engine == "duckdb" else None, engine)
                assert (settled.engine, settled.because) == (engine, None)
            assert unsettled_places(books.session, ["shop"]) == []
            assert settle_program(books, "shop", None, engine).looked_at == 0
            found[engine] = [tuple(row) for row in connection.execute(text(COLUMNS))]
            paid[engine] = {row.partner: row.paid for row in connection.execute(text(PAID))}
    assert found["duckdb"] == found["online"]
    assert sum(heard) == 10 + 19 + 27
    assert list(tmp_path.iterdir()) == []
    # 27 orders with a decision each; nine early ones move the tiers and the caps of two thirds of the ten behind them.
    assert len(found["online"]) > 27
    # Nine orders each: 5 % of the first 100.00 and 8 % of the other 170.00, and of that bolt's cap leaves 9.00.
    assert paid["duckdb"] == {"acme": Decimal("18.60"), "bolt": Decimal("9.00")}


def test_what_bulk_does_not_hold_is_settled_online_and_it_is_said_why(books: Context) -> None:
    """A part that is finer than the facts of orders are is found while they are loaded."""
    store_conversions(books, sales(range(1, 6)))
    settle_program(books, "shop", None, "duckdb")
    part = {"id": "r", "reason": "RETURN", "amount": "10.0000001"}
    reverse_conversion(books, part, program="shop", conversion=sales(range(3, 4))[0]["id"])
    store_conversions(books, sales(range(6, 9)))
    book = contract_book(books, program_named(books.session, "shop", lock=True))
    waiting = unsettled_places(books.session, ["shop"])
    before = books.session.execute(text(COLUMNS)).all()
    with pytest.raises(NotInBulk) as refusal:
        in_bulk.settle_in_bulk(books, "duckdb", book, Writer(books, ["shop"]))
    assert books.session.execute(text(COLUMNS)).all() == before
    assert unsettled_places(books.session, ["shop"]) == waiting
    settled = settle_program(books, "shop", None, "duckdb")
    assert (settled.engine, settled.because, settled.decided) == ("online", refusal.value.message, 3)


def test_programs_that_a_limit_links_are_settled_online(books: Context) -> None:
    shop(books, program="other")
    create_contract(books, id="other", program="other", partner="acme")
    linked = TIERS.replace("per: contract, window: month", "per: partner, window: contract")
    agreed(books, "other", "1997-01-01", rules=rules(linked))
    agreed(books, "acme", "1997-02-01", rules=rules(linked))
    store_conversions(books, sales(range(1, 4)))
    settled = settle_program(books, "shop", None, "duckdb")
    assert (settled.engine, settled.because) == ("online", "a limit per partner links the programs other, shop")


def test_what_does_not_fit_is_settled_online(books: Context, tmp_path: Path) -> None:
    store_conversions(books, sales(range(1, 9)))
    narrow = replace(books, settling=Settling(memory="1MB", spill=tmp_path))
    settled = settle_program(narrow, "shop", None, "duckdb")
    assert settled.because == "it does not fit into 1MB of memory and the folder beside it"
    assert (settled.engine, settled.counts) == ("online", {"looked_at": 8, "decided": 8, "changed": 0})
    assert unsettled_places(books.session, ["shop"]) == []
