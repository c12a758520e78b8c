"""The two clocks of a question: when terms apply, and what was known. Both are now unless they are given."""

from __future__ import annotations

from datetime import UTC, datetime

from app.contracts.drafting import read_start
from app.contracts.errors import InstantRefused
from app.contracts.mapping import timezone_of
from app.core.as_of import read_as_of
from app.core.errors import Finding
from app.runtime import Context
from app.store.models import Contract


def as_of_for(ctx: Context, contract: Contract, given: str | datetime | None) -> datetime:
    """Return the instant of which is asked what was known then; a date is a local day of the contract."""
    return read_as_of(given, ctx.now(), timezone_of(contract))


def instant_of(ctx: Context, contract: Contract, given: str | datetime | None, at: str) -> datetime:
    """Return when terms are asked for: an instant, or text, a local day of the contract or an instant with an offset."""
    if given is None:
        return ctx.now()
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    found = read_start(given, timezone_of(contract), at)
    if isinstance(found, Finding):
        raise InstantRefused(f"{at[1:]}: {found.message}, {found.hint}.", [found])
    return found
