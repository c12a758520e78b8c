"""Look up the terms in force at an instant, and the whole timeline, as they were known at another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.contracts.mapping import history
from app.contracts.repository import contract_named, versions_of
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


def get_terms(ctx: Context, *, contract: str, at: datetime | None = None, as_of: datetime | None = None) -> TermsAt:
    """Return the terms of a contract in force at `at` as known at `as_of`; both are now unless given."""
    now = ctx.now()
    row = contract_named(ctx.session, contract)
    versions = versions_of(ctx.session, contract)
    known = history(row, versions, as_of or now, ctx.catalogue)
    by_number = {version.number: version for version in versions}
    return TermsAt(row, by_number, at or now, as_of or now, known, known.at(at or now))
