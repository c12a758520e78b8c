"""The contract book of a program: whose claims are decided under which contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from app.contracts.repository import contracts_of_program, versions_of
from app.contracts.vocabulary import contract_history
from app.engine.terms import NoTerms, TermsHistory
from app.partners.mapping import catalogue_of
from app.partners.repository import partner_ids
from app.rulelang.facts import Catalogue
from app.runtime import Context
from app.store.models import Program

EVERYTHING = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ContractBook:
    """A program's contracts by partner, each with its history."""

    program: Program
    catalogue: Catalogue
    histories: dict[str, TermsHistory]
    partners: frozenset[str]

    @property
    def is_empty(self) -> bool:
        return not self.histories

    def contract_of(self, partner: str) -> TermsHistory | NoTerms:
        """Return the contract a claim of this partner is decided under, or why there is none."""
        found = self.histories.get(partner)
        if found is not None:
            return found
        if partner in self.partners:
            return NoTerms("NO_CONTRACT", f"{self.program.id} has no contract with {partner}")
        return NoTerms("UNKNOWN_PARTNER", f"there is no partner {partner!r}")


def contract_book(ctx: Context, program: Program) -> ContractBook:
    """Return the contracts of a program with everything that is approved by now.

    Not "by this unit of work's clock": clocks of two servers may differ, and what is committed is what we know. The
    program's lock sees to it that nothing is approved while somebody decides.
    """
    histories = {
        row.partner_id: contract_history(ctx, row, versions_of(ctx.session, row.id), EVERYTHING)
        for row in contracts_of_program(ctx.session, program.id)
    }
    return ContractBook(program, catalogue_of(program, ctx.catalogue), histories, frozenset(partner_ids(ctx.session)))
