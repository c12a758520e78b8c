"""Many rows at once are what single ones would be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.runtime import Context
from app.store.models import Conversion, Decision, UnsettledConversion
from app.store.rows import CHUNK, add_rows, json_text
from tests.builders.agreements import shop

AT = datetime(1997, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
COLUMNS = ("program_id", "id", "event_at", "received_at", "recorded_at", "partner", "customer_id", "facts", "body_hash")


def add_conversion(session: Session, identifier: str, partner: str | None, facts: object) -> None:
    """Add one conversion."""
    add_rows(session, "conversions", COLUMNS, [("shop", identifier, AT, AT, AT, partner, None, json_text(facts), "h")])


@pytest.mark.parametrize("partner", [None, "", "NULL", "\\N", 'a"b\\c,{}', "tab\tand\nline", "ß€𝄞", "%s %b"])
def test_texts_and_their_absence_come_back_as_they_are(ctx: Context, partner: str | None) -> None:
    shop(ctx)
    facts = {"a": [None, "\\u0041", '"', "😀", {"b": "1.10"}]}
    add_conversion(ctx.session, "c1", partner, facts)
    row = ctx.session.scalars(select(Conversion)).one()
    assert (row.partner, row.facts, row.event_at, row.customer_id) == (partner, facts, AT, None)


@pytest.mark.parametrize("amount", ["0", "-0.000000001", "123456789012345678.123456789", "1E+3", "0.10"])
def test_amounts_are_exact(ctx: Context, amount: str) -> None:
    shop(ctx)
    add_conversion(ctx.session, "c1", None, {})
    columns = ("id", "program_id", "conversion_id", "revision", "event_at", "outcome", "amount", "currency")
    columns += ("before", "adds", "record", "digest", "recorded_at", "contract_version", "reversals")
    row = ("d", "shop", "c1", 1, AT, "rated", Decimal(amount), "USD", "{}", "{}", "{}", "x", AT, 70_000, 0)
    add_rows(ctx.session, "decisions", columns, [row])
    stored = ctx.session.scalars(select(Decision)).one()
    assert (stored.amount, stored.contract_version, stored.retired_at) == (Decimal(amount), 70_000, None)


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1])
def test_any_number_of_rows_is_added(ctx: Context, count: int) -> None:
    columns = ("conversion_id", "program_id", "partner", "event_at")
    rows = (("c" * 3 + str(number), "shop", None, AT + timedelta(seconds=number)) for number in range(count))
    add_rows(ctx.session, "unsettled_conversions", columns, rows)
    stored = ctx.session.scalars(select(UnsettledConversion.conversion_id).order_by(UnsettledConversion.event_at)).all()
    assert list(stored) == [f"ccc{number}" for number in range(count)]


def test_constraints_hold(ctx: Context) -> None:
    shop(ctx)
    add_conversion(ctx.session, "c1", None, {})
    with pytest.raises(IntegrityError), ctx.session.begin_nested():
        add_conversion(ctx.session, "c1", None, {})
