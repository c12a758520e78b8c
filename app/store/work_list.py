"""The work list of settling: how conversions get on it. Whoever changes what decisions depend on puts them there."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.store.models import Conversion, UnsettledConversion

COLUMNS = ("conversion_id", "program_id", "partner", "event_at")


def unsettle_where(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Put the conversions that meet all conditions on the work list; those that are on it already stay."""
    chosen = select(Conversion.id, Conversion.program_id, Conversion.partner, Conversion.event_at).where(*conditions)
    session.execute(insert(UnsettledConversion).from_select(COLUMNS, chosen).on_conflict_do_nothing())
