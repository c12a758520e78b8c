"""The work list of settling: how conversions get on it. Whoever changes what decisions depend on puts them there."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.store.models import Conversion, Decision, Touch, UnsettledConversion

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
