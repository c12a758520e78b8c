"""The contract book of a program: who claims decide under which contract, as it was known at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.contracts.mapping import history
from app.contracts.repository import contracts_of_program, versions_of
from app.engine.terms import NoTerms, TermsHistory
from app.partners.repository import partner_ids
from app.runtime import Context
from app.store.models import Contract, Program


@dataclass(frozen=True, slots=True)
class ContractBook:
    """A program's contracts by partner, each with its history."""

    program: Program
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


def contract_book(ctx: Context, program: Program, as_of: datetime) -> ContractBook:
    """Return the contracts of a program as they were known at `as_of`.

    A partner that both pays and is paid is credited under the contract that pays it.
    """
    rows = sorted(contracts_of_program(ctx.session, program.id), key=_payable_last)
    histories = {row.partner_id: history(row, versions_of(ctx.session, row.id), as_of, ctx.catalogue) for row in rows}
    return ContractBook(program, histories, frozenset(partner_ids(ctx.session)))


def _payable_last(contract: Contract) -> bool:
    return contract.direction == "payable"
