"""The two clocks of a question: when terms apply, and what was known. Both are now unless they are given."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.contracts.drafting import read_start
from app.contracts.errors import InstantRefused
from app.contracts.mapping import timezone_of
from app.core.errors import Finding
from app.runtime import Context
from app.store.models import Contract

_UTC = ZoneInfo("UTC")


def instant_of(ctx: Context, contract: Contract | None, given: str | datetime | None, at: str = "/as_of") -> datetime:
    """Return an instant given as one, or as text: a local day of the contract (its first instant; of UTC without one)."""
    if given is None:
        return ctx.now()
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    found = read_start(given, _UTC if contract is None else timezone_of(contract), at)
    if isinstance(found, Finding):
        raise InstantRefused(f"{at[1:]}: {found.message}, {found.hint}.", [found])
    return found
