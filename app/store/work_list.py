"""The work list of settling: how conversions get on it. Whoever changes what decisions depend on puts them there."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, exists, func, literal, or_, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.store.models import (
    Conversion,
    Decision,
    Delivery,
    DeliveryAdjustment,
    Touch,
    UnsettledConversion,
    UnsettledDay,
)

COLUMNS = ("conversion_id", "program_id", "partner", "event_at")


def concerns(partner: str) -> ColumnElement[bool]:
    """Return the condition that a conversion concerns a partner: who claims it, who touched its customer, and for whom
    it was decided before."""
    touched = select(Touch.conversion_id).where(
        Touch.program_id == Conversion.program_id, Touch.partner == partner, Touch.conversion_id == Conversion.id
    )
    decided = select(Decision.id).where(
        Decision.program_id == Conversion.program_id,
        Decision.conversion_id == Conversion.id,
        Decision.partner == partner,
        Decision.retired_at.is_(None),
    )
    return or_(Conversion.partner == partner, exists(touched), exists(decided))


def unsettle_where(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Put the conversions that meet all conditions on the work list; those that are on it already stay."""
    chosen = select(Conversion.id, Conversion.program_id, Conversion.partner, Conversion.event_at).where(*conditions)
    session.execute(insert(UnsettledConversion).from_select(COLUMNS, chosen).on_conflict_do_nothing())


AT_ONCE = datetime.min.replace(tzinfo=UTC)


def unsettle_days(session: Session, program_id: str, contract_id: str, since: date, until: date | None) -> None:
    """Put the days of a contract's deliveries from one up to, not including, another on the work list, as due at once: those
    on which something was counted, agreed or decided."""
    tables = (Delivery, DeliveryAdjustment, Decision)
    days = [
        select(table.delivered_on.label("day")).where(
            table.contract_id == contract_id,
            table.delivered_on >= since,
            *([] if until is None else [table.delivered_on < until]),
        )
        for table in tables
    ]
    found = union(*days).subquery()
    chosen = select(literal(contract_id), found.c.day, literal(program_id), literal(AT_ONCE, UnsettledDay.due_at.type))
    listed = insert(UnsettledDay).from_select(("contract_id", "delivered_on", "program_id", "due_at"), chosen)
    earliest = func.least(UnsettledDay.due_at, listed.excluded.due_at)
    key = [UnsettledDay.contract_id, UnsettledDay.delivered_on]
    session.execute(listed.on_conflict_do_update(index_elements=key, set_={"due_at": earliest}))


def unsettle_day(session: Session, program_id: str, contract_id: str, day: date, due_at: datetime) -> None:
    """Put a day on the work list, to be worked on from an instant on; what is due earlier stays so."""
    new = insert(UnsettledDay).values(contract_id=contract_id, delivered_on=day, program_id=program_id, due_at=due_at)
    earliest = func.least(UnsettledDay.due_at, new.excluded.due_at)
    key = [UnsettledDay.contract_id, UnsettledDay.delivered_on]
    session.execute(new.on_conflict_do_update(index_elements=key, set_={"due_at": earliest}))
