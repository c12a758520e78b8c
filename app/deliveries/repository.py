"""Every query of the deliveries room. What settling needs is with the conversions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.orm import Session, aliased

from app.core.as_of import when_asked
from app.core.instants import parse_date
from app.deliveries.errors import DeliveryNotFound
from app.store.models import Contract, Delivery, DeliveryAdjustment
from app.store.rows import add_rows

DELIVERY_COLUMNS = (
    "id",
    "contract_id",
    "delivered_on",
    "placement",
    "source",
    "revision",
    "facts",
    "body_hash",
    "recorded_at",
)


def add_deliveries(session: Session, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add deliveries, in the order of DELIVERY_COLUMNS."""
    add_rows(session, "deliveries", DELIVERY_COLUMNS, rows)


def contracts_named(session: Session, ids: Iterable[str]) -> dict[str, Contract]:
    """Return contracts by their ids, those that there are."""
    query = select(Contract).where(Contract.id == func.any(list(ids)))
    return {contract.id: contract for contract in session.scalars(query)}


def known_hashes(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Return the hash of what was sent, by id, of those deliveries that are known."""
    query = select(Delivery.id, Delivery.body_hash).where(Delivery.id == func.any(list(ids)))
    return {row.id: row.body_hash for row in session.execute(query)}


def highest_revisions(
    session: Session, contracts: Sequence[str], days: Sequence[date]
) -> dict[tuple[str, date, str, str], int]:
    """Return the highest revision of every placement and source on these days of these contracts."""
    counted = (Delivery.contract_id, Delivery.delivered_on, Delivery.placement, Delivery.source)
    query = (
        select(*counted, func.max(Delivery.revision))
        .where(Delivery.contract_id == func.any(list(contracts)), Delivery.delivered_on == func.any(list(days)))
        .group_by(*counted)
    )
    return {(row[0], row[1], row[2], row[3]): row[4] for row in session.execute(query)}


@dataclass(frozen=True, slots=True)
class DeliveryAt:
    """A delivery as it was known at an instant: whether a higher revision had taken its place by then."""

    row: Delivery
    replaced_by: int | None


def delivery_at(session: Session, delivery_id: str, as_of: datetime) -> DeliveryAt:
    """Return a delivery that was there by then, or refuse."""
    found = session.execute(_known_by(as_of).where(Delivery.id == delivery_id)).one_or_none()
    if found is None:
        raise DeliveryNotFound(f"There is no delivery {delivery_id!r}{when_asked(as_of)}.")
    return DeliveryAt(*found)


def deliveries_after(
    session: Session,
    contract: str,
    as_of: datetime,
    after: tuple[str, ...] | None,
    limit: int,
    *,
    delivered_on: date | None = None,
    placement: str | None = None,
) -> list[DeliveryAt]:
    """Return deliveries of a contract that were there by then, in order, from behind a cursor."""
    place = (Delivery.delivered_on, Delivery.placement, Delivery.source, Delivery.revision)
    query = _known_by(as_of).where(Delivery.contract_id == contract)
    query = query if delivered_on is None else query.where(Delivery.delivered_on == delivered_on)
    query = query if placement is None else query.where(Delivery.placement == placement)
    start = _place(after)
    query = query if start is None else query.where(tuple_(*place) > tuple_(*map(literal, start)))
    return [DeliveryAt(*row) for row in session.execute(query.order_by(*place).limit(limit))]


def _known_by(as_of: datetime) -> Any:
    higher = aliased(Delivery)
    replaced = (
        select(func.max(higher.revision))
        .where(
            higher.contract_id == Delivery.contract_id,
            higher.delivered_on == Delivery.delivered_on,
            higher.placement == Delivery.placement,
            higher.source == Delivery.source,
            higher.revision > Delivery.revision,
            higher.recorded_at <= as_of,
        )
        .scalar_subquery()
    )
    return select(Delivery, replaced).where(Delivery.recorded_at <= as_of)


def _place(after: tuple[str, ...] | None) -> tuple[date, str, str, int] | None:
    """Return the place behind which a page begins; a cursor that is none of ours begins at the start."""
    if after is None or len(after) != 4:
        return None
    day, number = parse_date(after[0]), after[3]
    if day is None or not (number.isascii() and number.isdecimal() and len(number) < 10):
        return None
    return day, after[1], after[2], int(number)


def adjustment_of(session: Session, contract: str, identifier: str) -> DeliveryAdjustment | None:
    """Return an adjustment of a contract by its id, if there is one."""
    return session.get(DeliveryAdjustment, (contract, identifier))


def adjustments_of(session: Session, contract: str, as_of: datetime) -> Sequence[DeliveryAdjustment]:
    """Return the adjustments of a contract that were there by then, in order of id."""
    query = select(DeliveryAdjustment).where(
        DeliveryAdjustment.contract_id == contract, DeliveryAdjustment.recorded_at <= as_of
    )
    return session.scalars(query.order_by(DeliveryAdjustment.id)).all()
