"""Addresses of the partners room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.partners.errors import PartnerExists, PartnerNotFound, ProgramExists, ProgramNotFound, ProgramRefused
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.partners.operations.declare_facts import declare_facts
from app.partners.repository import partner_named, partners_after, program_named, programs_after
from app.partners.schemas import NewFacts, NewPartner, NewProgram, PartnerShown, ProgramShown
from app.runtime import Context
from app.store.models import Partner, Program
from app.web.blueprint import Room
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("partners", __name__, "Partners and programs: who there is to make contracts with, and for what.")


def held_program(ctx: Context, program: str) -> Program:
    """Return a program while nobody else can change it."""
    return program_named(ctx.session, program, lock=True)


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


@routes.lists("/partners", needs="read", shows=PartnerShown, cursor=lambda partner: (partner.id,))
def list_partners(ctx: Context, page: Page) -> Sequence[Partner]:
    """List partners in order of id."""
    return partners_after(ctx.session, page.after_id, page.fetch)


@routes.reads(
    "/partners/<identifier:partner>", needs="read", shows=PartnerShown, refuses=(PartnerNotFound,), tagged=True
)
def show_partner(ctx: Context, partner: str) -> Partner:
    """Show a partner."""
    return partner_named(ctx.session, partner)


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
def add_program(ctx: Context, **body: Any) -> Program:
    """Create a program.

    A program is an advertiser's programme. It fixes the currency in which its contracts pay, the time zone in which
    their days and months are counted, and the attribution model.
    """
    return create_program(ctx, **body)


@routes.lists("/programs", needs="read", shows=ProgramShown, cursor=lambda program: (program.id,))
def list_programs(ctx: Context, page: Page) -> Sequence[Program]:
    """List programs in order of id."""
    return programs_after(ctx.session, page.after_id, page.fetch)


@routes.reads(
    "/programs/<identifier:program>", needs="read", shows=ProgramShown, refuses=(ProgramNotFound,), tagged=True
)
def show_program(ctx: Context, program: str) -> Program:
    """Show a program."""
    return program_named(ctx.session, program)


@routes.writes(
    "/programs/<identifier:program>/facts",
    needs="configure",
    takes=NewFacts,
    shows=ProgramShown,
    refuses=(ProgramNotFound, ProgramRefused),
    revision=held_program,
)
def add_facts(ctx: Context, program: str, **body: Any) -> Program:
    """Declare facts of a program.

    Its conversions may carry them from then on, and the rules of its contracts may read them. Facts are only added:
    one that is known can be declared again as it is, and is refused otherwise.
    """
    return declare_facts(ctx, program=program, **body)
