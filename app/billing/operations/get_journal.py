"""The journal as it was known at an instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from app.billing.journal import Entry
from app.billing.journal_repository import entries_after
from app.contracts.repository import contract_named
from app.core.as_of import read_as_of
from app.core.instants import zone
from app.partners.repository import program_named
from app.runtime import Context


def get_journal(
    ctx: Context,
    *,
    program: str | None = None,
    contract: str | None = None,
    accounting_period: str | None = None,
    as_of: str | datetime | None = None,
    after: Sequence[int] | None = None,
    limit: int | None = None,
) -> Iterator[Entry]:
    """Yield what was booked by then. A date is local to the program, where one is named, or the contract."""
    timezone = None
    if isinstance(as_of, str):
        of = program_named(ctx.session, program) if program else contract_named(ctx.session, contract or "")
        timezone = zone(of.timezone)
    known_at = read_as_of(as_of, ctx.now(), timezone)
    return entries_after(
        ctx.session,
        as_of=known_at,
        after=after,
        limit=limit,
        program=program,
        contract=contract,
        accounting_period=accounting_period,
    )
