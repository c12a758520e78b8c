"""Tiers over windows come to the same in whatever order and parts conversions arrive: to what an oracle says that looks at
all of the past each time. And a statement is the sum of its lines, each of which is rounded once."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.billing.operations.bill_at_once import bill_at_once
from app.billing.repository import lines_after, totals
from app.conversions.operations import settle_program as settling
from app.conversions.operations.receive_conversions import receive_conversions
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_records
from app.core.fractions import as_decimal
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import agreed, rules, shop
from tests.builders.random_tiers import facts_of, payout_of, sales, worlds
from tests.builders.terms import instant
from tests.independent.tiers import Paid, Sale, World, lines

NOW = instant("1999-01-01T00:00:00Z")
CENT = Decimal("0.01")


@st.composite
def _parts(draw: st.DrawFn, given_sales: list[Sale]) -> list[list[Sale]]:
    """Return sales shuffled and cut into parts."""
    shuffled = draw(st.permutations(given_sales))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(given_sales) - 1)), max_size=3)))
    return [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), world=worlds(), chunk=st.sampled_from([1, 2, 3, settling.CHUNK]))
def test_what_settling_comes_to_is_what_the_oracle_says(
    connection: Connection, catalogue: Catalogue, data: st.DataObject, world: World, chunk: int
) -> None:
    given_sales = data.draw(sales(most=10))
    parts = data.draw(_parts(given_sales))
    expected = lines(given_sales, world)
    runtime = Runtime(connection, ReferenceMatcher(), catalogue, lambda: NOW)
    with patch.object(settling, "CHUNK", chunk), taken_back(connection), runtime.work("tester") as ctx:
        shop(ctx, "acme")
        for version in world.versions:
            agreed(ctx, "acme", version.since.isoformat(), rules=rules(payout_of(version)))
        for part in parts:
            receipts = receive_conversions(ctx, [_body(sale) for sale in part])
            assert [receipt.status for receipt in receipts] == ["accepted"] * len(part)
            _bill(ctx)
        assert settle_program(ctx, "shop").looked_at == 0
        found = {conversion: _lines(record) for conversion, _, record in current_records(ctx.session, "shop")}
        assert found == {name: _rounded(paid) for name, paid in expected.items()}
        _bill(ctx)
        billed = totals(ctx.session, contract="acme")
        assert sum(one.amount for one in billed) == sum(amount for one in found.values() for *_, amount in one)
        for one in billed:
            posted = lines_after(ctx.session, one.statement.id, None, None)
            assert sum((line.amount for line in posted), Decimal(0)) == one.amount


MONTHS = ("1997-02", "1997-03", "1997-04", "1997-05", "1997-06", "1997-07", "1997-12", "1998-01")


def _bill(ctx: Context) -> None:
    for month in MONTHS:
        bill_at_once(ctx, contract="acme", period=month, poster="finance")


def _body(sale: Sale) -> dict[str, Any]:
    known = {"id": sale.id, "program": "shop", "event_at": sale.at.isoformat(), "partner": "acme"}
    return {**known, "facts": facts_of(sale)}


def _lines(record: dict[str, Any]) -> list[tuple[str, str, Decimal, Decimal]]:
    return [
        (line["rule"], line.get("part", ""), Decimal(line["amount_precise"]), Decimal(line["amount"]))
        for line in record["lines"]
    ]


def _rounded(paid: list[Paid]) -> list[tuple[str, str, Decimal, Decimal]]:
    exact = [(rule, part, as_decimal(Fraction(amount))) for rule, part, amount in paid]
    return [(rule, part, amount, amount.quantize(CENT, ROUND_HALF_UP)) for rule, part, amount in exact]
