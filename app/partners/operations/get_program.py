"""Look up a program as it was known at an instant."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from app.core.as_of import read_as_of
from app.core.instants import zone
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import Program


def get_program(ctx: Context, *, program: str, as_of: str | datetime | None = None) -> tuple[Program, datetime]:
    """Return a program that was there by then, and the instant that is asked about: a date is local to the program."""
    known_at = read_as_of(as_of, ctx.now(), _zone_of(ctx.session.get(Program, program)))
    return program_named(ctx.session, program, as_of=known_at), known_at


def _zone_of(program: Program | None) -> ZoneInfo:
    """Return the zone of a program. Where there is none, a date is read all the same: the answer is that there is none."""
    found = zone("UTC" if program is None else program.timezone)
    assert found is not None, program  # checked when the program was made
    return found
