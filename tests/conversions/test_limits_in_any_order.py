"""Limits come to the same in whatever order and parts conversions arrive, over two programs of one partner too: to what
an oracle says that adds everything up again each time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.contracts.operations.create_contract import create_contract
from app.conversions.operations import settle_program as settling
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_records
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_program import create_program
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, rules, shop
from tests.builders.random_limits import BEGAN, deal_of, facts_of, limits, payout_of, sales
from tests.builders.terms import instant
from tests.independent.limits import Deal, Sale, decided

NOW = instant("1999-01-01T00:00:00Z")
PROGRAMS = {"acme": "shop", "acme_other": "other"}
ZONES = {"acme": "America/New_York", "acme_other": "Europe/Berlin"}
PERS = ("contract", "customer", "partner", "partner")


@st.composite
def _parts(draw: st.DrawFn, given: list[Sale]) -> list[list[Sale]]:
    """Return sales shuffled and cut into parts."""
    shuffled = draw(st.permutations(given))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(given) - 1)), max_size=3)))
    return [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), chunk=st.sampled_from([1, 2, 3, settling.CHUNK]))
def test_what_settling_comes_to_is_what_the_oracle_says(
    connection: Connection, catalogue: Catalogue, data: st.DataObject, chunk: int
) -> None:
    mine, theirs = data.draw(limits(PERS, 2)), data.draw(st.one_of(st.just([]), limits(PERS, 2)))
    deals = {name: deal_of(found, zone=ZONES[name]) for name, found in (("acme", mine), ("acme_other", theirs))}
    given_sales = data.draw(sales((("shop", "acme"), ("other", "acme_other")), most=10))
    expected = {
        (one.sale.program, one.sale.id): (one.outcome, one.lines, one.reached) for one in decided(given_sales, deals)
    }
    with patch.object(settling, "CHUNK", chunk):
        assert _settled(connection, catalogue, deals, data.draw(_parts(given_sales))) == expected


def _settled(connection: Connection, catalogue: Catalogue, deals: dict[str, Deal], parts: list[list[Sale]]) -> Any:
    """Return what becomes of sales that arrive in parts, each settled before the next one comes."""
    runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: NOW)
    with taken_back(connection), runtime.work("tester") as ctx:
        shop(ctx, "acme")
        create_program(ctx, id="other", currency="USD", timezone="Europe/Berlin")
        create_contract(ctx, id="acme_other", program="other", partner="acme")
        for name, deal in deals.items():
            agreed(ctx, name, BEGAN.isoformat(), rules=rules(payout_of(list(deal.limits))))
        for part in parts:
            receipts = receive_conversions(ctx, [_body(sale) for sale in part])
            assert [receipt.status for receipt in receipts] == ["accepted"] * len(part)
        found = {}
        for program in PROGRAMS.values():
            assert settle_program(ctx, program).looked_at == 0
            for conversion, _, record in current_records(ctx.session, program):
                reached = [reason["rule"] for reason in record["reasons"]]
                paid = [Decimal(line["amount"]) for line in record["lines"]]
                found[program, conversion] = (record["outcome"], paid, reached)
        return found


def _body(sale: Sale) -> dict[str, Any]:
    return {
        "id": sale.id,
        "program": sale.program,
        "event_at": sale.at.isoformat(),
        "partner": "acme",
        "facts": facts_of(sale),
    }


def test_what_anothers_fallback_paid_counts_to_a_limit_without_one(
    connection: Connection, catalogue: Catalogue
) -> None:
    """Both contracts name a limit l0. Shop's pays 6 twice beyond it; the partner's 10.00 of the other are spent by that."""
    beyond = {"id": "l0", "measure": "amount", "per": "contract", "window": "contract", "max": "0"}
    shared = {"id": "l0", "measure": "amount", "per": "partner", "window": "contract", "max": "10.00", "over": "zero"}
    deals = {
        "acme": deal_of([{**beyond, "over": {"fallback": {"flat": "6"}}}], zone=ZONES["acme"]),
        "acme_other": deal_of([shared], zone=ZONES["acme_other"]),
    }
    first, second, third = (instant(f"1997-03-0{day}T12:00:00Z") for day in (1, 2, 3))
    given_sales = [
        Sale("a", "shop", "acme", first, "ann", (Decimal(1),)),
        Sale("b", "shop", "acme", second, "ann", (Decimal(1),)),
        Sale("c", "other", "acme_other", third, "ann", (Decimal(1),)),
    ]
    assert _settled(connection, catalogue, deals, [given_sales]) == {
        ("shop", "a"): ("rated", [Decimal("6.00")], ["l0"]),
        ("shop", "b"): ("rated", [Decimal("6.00")], ["l0"]),
        ("other", "c"): ("rated", [Decimal("0.00")], ["l0"]),
    }
