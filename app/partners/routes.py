"""Addresses of the partners room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.core.as_of import read_as_of
from app.partners.describe import program_data
from app.partners.errors import PartnerExists, PartnerNotFound, ProgramExists, ProgramNotFound, ProgramRefused
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.partners.operations.declare_facts import declare_facts
from app.partners.operations.get_program import get_program
from app.partners.repository import partner_named, partners_after, program_named, programs_after
from app.partners.schemas import NewFacts, NewPartner, NewProgram, PartnerShown, ProgramShown
from app.runtime import Context
from app.store.models import Partner
from app.web.as_of import AsOf, LocalAsOf, PageAsOf
from app.web.blueprint import Room
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("partners", __name__, "Partners and programs: who there is to make contracts with, and for what.")


def held_program(ctx: Context, program: str) -> dict[str, Any]:
    """Return a program while nobody else can change it."""
    return program_data(program_named(ctx.session, program, lock=True), ctx.now())


@routes.writes(
    "/partners",
    needs="configure",
    takes=NewPartner,
    shows=PartnerShown,
    status=201,
    refuses=(PartnerExists,),
    location="/v1/partners/{id}",
    tagged=True,
    leads_to=Leads("show_partner", partner="/id"),
)
def add_partner(ctx: Context, **body: Any) -> Partner:
    """Create a partner.

    The id is yours and stands in contracts and conversions. Creating the same id again is refused.
    """
    return create_partner(ctx, **body)


@routes.lists("/partners", needs="read_own", query=PageAsOf, shows=PartnerShown, cursor=lambda partner: (partner.id,))
def list_partners(ctx: Context, page: Page, as_of: datetime | None = None) -> Sequence[Partner]:
    """List partners in order of id."""
    return partners_after(ctx.session, page.after_id, page.fetch, read_as_of(as_of, ctx.now()))


@routes.reads(
    "/partners/<identifier:partner>",
    needs="read_own",
    query=AsOf,
    shows=PartnerShown,
    refuses=(PartnerNotFound,),
    tagged=True,
)
def show_partner(ctx: Context, partner: str, as_of: datetime | None = None) -> Partner:
    """Show a partner."""
    return partner_named(ctx.session, partner, read_as_of(as_of, ctx.now()))


@routes.writes(
    "/programs",
    needs="configure",
    takes=NewProgram,
    shows=ProgramShown,
    status=201,
    refuses=(ProgramExists, ProgramRefused),
    location="/v1/programs/{id}",
    tagged=True,
    leads_to=Leads("show_program", "add_facts", program="/id"),
)
def add_program(ctx: Context, **body: Any) -> dict[str, Any]:
    """Create a program.

    A program is an advertiser's programme. It fixes the currency of its orders and contracts, unless they name another
    one, the time zone in which their days and months are counted, and the attribution model.
    """
    return program_data(create_program(ctx, **body), ctx.now())


@routes.lists("/programs", needs="read_own", query=PageAsOf, shows=ProgramShown, cursor=lambda row: (row["id"],))
def list_programs(ctx: Context, page: Page, as_of: datetime | None = None) -> Sequence[dict[str, Any]]:
    """List programs in order of id."""
    known_at = read_as_of(as_of, ctx.now())
    return [program_data(row, known_at) for row in programs_after(ctx.session, page.after_id, page.fetch, known_at)]


@routes.reads(
    "/programs/<identifier:program>",
    needs="read_own",
    query=LocalAsOf,
    shows=ProgramShown,
    refuses=(ProgramNotFound,),
    tagged=True,
)
def show_program(ctx: Context, program: str, as_of: str | None = None) -> dict[str, Any]:
    """Show a program."""
    return program_data(*get_program(ctx, program=program, as_of=as_of))


@routes.writes(
    "/programs/<identifier:program>/facts",
    needs="configure",
    takes=NewFacts,
    shows=ProgramShown,
    refuses=(ProgramNotFound, ProgramRefused),
    revision=held_program,
)
def add_facts(ctx: Context, program: str, **body: Any) -> dict[str, Any]:
    """Declare facts of a program.

    Its conversions may carry them from then on, and the rules of its contracts may read them. Facts are only added:
    one that is known can be declared again as it is, and is refused otherwise.
    """
    return program_data(declare_facts(ctx, program=program, **body), ctx.now())
