"""Every query of the partners room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.as_of import when_asked
from app.partners.errors import PartnerNotFound, ProgramNotFound
from app.store.models import AttributionModel, Conversion, Partner, Program
from app.store.work_list import concerns, unsettle_where


def partner_named(session: Session, partner_id: str, as_of: datetime | None = None) -> Partner:
    """Return a partner that was there by then, or refuse."""
    partner = session.get(Partner, partner_id)
    if partner is None or (as_of is not None and partner.created_at > as_of):
        raise PartnerNotFound(
            f"There is no partner {partner_id!r}{when_asked(as_of)}. Create it with POST /v1/partners."
        )
    return partner


def program_named(session: Session, program_id: str, *, lock: bool = False, as_of: datetime | None = None) -> Program:
    """Return a program that was there by then, or refuse. With `lock`, wait until nobody else is changing what belongs
    to it."""
    program = session.get(Program, program_id, with_for_update={"key_share": True} if lock else None)
    if program is None or (as_of is not None and program.created_at > as_of):
        raise ProgramNotFound(
            f"There is no program {program_id!r}{when_asked(as_of)}. Create it with POST /v1/programs."
        )
    return program


def partners_after(session: Session, after: str | None, limit: int, as_of: datetime) -> Sequence[Partner]:
    """Return the partners that were there by then in order of id, from behind a cursor."""
    query = select(Partner).where(Partner.created_at <= as_of).order_by(Partner.id).limit(limit)
    return session.scalars(query if after is None else query.where(Partner.id > after)).all()


def programs_after(session: Session, after: str | None, limit: int, as_of: datetime) -> Sequence[Program]:
    """Return the programs that were there by then in order of id, from behind a cursor."""
    query = select(Program).where(Program.created_at <= as_of).order_by(Program.id).limit(limit)
    return session.scalars(query if after is None else query.where(Program.id > after)).all()


def partner_ids(session: Session) -> list[str]:
    """Return the ids of all partners."""
    return list(session.scalars(select(Partner.id)))


def unsettle_claims(session: Session, partner_id: str) -> None:
    """Put every conversion that concerns a partner on the work list of settling."""
    unsettle_where(session, concerns(partner_id))


def attribution_models(session: Session, program_id: str) -> Sequence[AttributionModel]:
    """Return the attribution models that a program was given after its first, in order."""
    query = select(AttributionModel).where(AttributionModel.program_id == program_id)
    return session.scalars(query.order_by(AttributionModel.number)).all()


def unsettle_from(session: Session, program_id: str, start: datetime) -> None:
    """Put every conversion of a program from an instant on on the work list of settling."""
    unsettle_where(session, Conversion.program_id == program_id, Conversion.event_at >= start)
