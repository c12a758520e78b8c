"""Every query of the partners room."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.partners.errors import PartnerNotFound, ProgramNotFound
from app.store.models import Conversion, Partner, Program
from app.store.work_list import unsettle_where


def partner_named(session: Session, partner_id: str) -> Partner:
    """Return a partner or refuse."""
    partner = session.get(Partner, partner_id)
    if partner is None:
        raise PartnerNotFound(f"There is no partner {partner_id!r}. Create it with POST /v1/partners.")
    return partner


def program_named(session: Session, program_id: str, *, lock: bool = False) -> Program:
    """Return a program or refuse. With `lock`, wait until nobody else is changing what belongs to it."""
    program = session.get(Program, program_id, with_for_update={"key_share": True} if lock else None)
    if program is None:
        raise ProgramNotFound(f"There is no program {program_id!r}. Create it with POST /v1/programs.")
    return program


def partners_after(session: Session, after: str | None, limit: int) -> Sequence[Partner]:
    """Return partners in order of id, from behind a cursor."""
    query = select(Partner).order_by(Partner.id).limit(limit)
    return session.scalars(query if after is None else query.where(Partner.id > after)).all()


def programs_after(session: Session, after: str | None, limit: int) -> Sequence[Program]:
    """Return programs in order of id, from behind a cursor."""
    query = select(Program).order_by(Program.id).limit(limit)
    return session.scalars(query if after is None else query.where(Program.id > after)).all()


def partner_ids(session: Session) -> list[str]:
    """Return the ids of all partners."""
    return list(session.scalars(select(Partner.id)))


def unsettle_claims(session: Session, partner_id: str) -> None:
    """Put every conversion that a partner claims on the work list of settling."""
    unsettle_where(session, Conversion.partner == partner_id)
