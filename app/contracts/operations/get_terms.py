"""Look up the terms in force at an instant, and the whole timeline, as they were known at another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.contracts.clocks import as_of_for, instant_of
from app.contracts.known import require_known
from app.contracts.repository import contract_named, versions_of
from app.contracts.vocabulary import contract_history
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
    when, known_at = instant_of(ctx, row, at, "/at"), as_of_for(ctx, row, as_of)
    require_known(row, known_at)
    versions = versions_of(ctx.session, contract)
    known = contract_history(ctx, row, versions, known_at)
    by_number = {version.number: version for version in versions}
    return TermsAt(row, by_number, when, known_at, known, known.at(when))
