"""Look up the terms in force at an instant, and the whole timeline, as they were known at another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.contracts.drafting import read_start
from app.contracts.errors import ContractNotFound, InstantRefused
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named, versions_of
from app.contracts.vocabulary import contract_history
from app.core.as_of import read_as_of
from app.core.errors import Finding
from app.engine.terms import NoTerms, Terms, TermsHistory
from app.runtime import Context
from app.store.models import Contract, ContractVersion


@dataclass(frozen=True, slots=True)
class TermsAt:
    """The answer to "what applies then, as we knew it at as_of": terms, or why there are none."""

    contract: Contract
    versions: dict[int, ContractVersion]
    at: datetime
    as_of: datetime
    history: TermsHistory
    terms: Terms | NoTerms


def get_terms(
    ctx: Context, *, contract: str, at: str | datetime | None = None, as_of: str | datetime | None = None
) -> TermsAt:
    """Return the terms of a contract in force at `at` as known at `as_of`; both are now unless given.

    Each is an instant, or text: a local date of the contract (its first instant) or an instant with an offset.
    """
    row = contract_named(ctx.session, contract)
    when, known_at = _instant(ctx, row, at, "/at"), read_as_of(as_of, ctx.now(), timezone_of(row))
    if row.created_at > known_at:
        raise ContractNotFound(f"There is no contract {contract!r}.")
    versions = versions_of(ctx.session, contract)
    known = contract_history(ctx, row, versions, known_at)
    by_number = {version.number: version for version in versions}
    return TermsAt(row, by_number, when, known_at, known, known.at(when))


def _instant(ctx: Context, contract: Contract, given: str | datetime | None, at: str) -> datetime:
    if given is None:
        return ctx.now()
    found = given if isinstance(given, datetime) else read_start(given, timezone_of(contract), at)
    if isinstance(found, Finding):
        raise InstantRefused(f"{at[1:]}: {found.message}, {found.hint}.", [found])
    return found
