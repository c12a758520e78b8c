"""Look up deliveries, adjustments and the decisions on a day, as they were known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.contracts.known import require_known
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named
from app.conversions.day_repository import day_decisions
from app.conversions.operations.settle_program import settle_program
from app.core.as_of import read_as_of
from app.core.instants import parse_date
from app.deliveries.repository import (
    DeliveryAt,
    adjustments_of,
    deliveries_after,
    delivery_at,
)
from app.runtime import Context
from app.store.models import Decision, DeliveryAdjustment


def get_deliveries(
    ctx: Context,
    *,
    contract: str,
    after: tuple[str, ...] | None,
    limit: int,
    as_of: str | datetime | None = None,
    delivered_on: str | None = None,
    placement: str | None = None,
) -> list[DeliveryAt]:
    """Return a page of a contract's deliveries, every revision that was there by then."""
    day = None if delivered_on is None else parse_date(delivered_on)
    known_at = _instant_asked(ctx, contract, as_of)
    return deliveries_after(ctx.session, contract, known_at, after, limit, delivered_on=day, placement=placement)


def get_delivery(ctx: Context, *, delivery: str, as_of: datetime | None = None) -> DeliveryAt:
    """Return one delivery, or refuse what was not there by then."""
    return delivery_at(ctx.session, delivery, read_as_of(as_of, ctx.now()))


def get_adjustments(
    ctx: Context, *, contract: str, as_of: str | datetime | None = None
) -> Sequence[DeliveryAdjustment]:
    """Return a contract's adjustments that were there by then."""
    return adjustments_of(ctx.session, contract, _instant_asked(ctx, contract, as_of))


def get_day_decisions(
    ctx: Context, *, contract: str, delivered_on: str, as_of: str | datetime | None = None
) -> tuple[Sequence[Decision], datetime]:
    """Return every decision on a day that was made by then, the newest first, and the instant asked about."""
    known_at = _instant_asked(ctx, contract, as_of)
    # What waits is decided now, and known from now on: of the past it changes nothing.
    settle_program(ctx, contract_named(ctx.session, contract).program_id)
    day = parse_date(delivered_on)
    assert day is not None, delivered_on  # the query's field has read it
    return day_decisions(ctx.session, contract, day, known_at), known_at


def _instant_asked(ctx: Context, contract: str, as_of: str | datetime | None) -> datetime:
    """Return the instant that is asked about; a date is local to the contract, which has to have been there."""
    row = contract_named(ctx.session, contract)
    known_at = read_as_of(as_of, ctx.now(), timezone_of(row))
    require_known(row, known_at)
    return known_at
