"""The contract book of a program: whose claims are decided under which contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.contracts.repository import contracts_of_program, versions_of
from app.contracts.vocabulary import EVERYTHING, contract_history
from app.engine.attribution import ProgramModel
from app.engine.evaluate import Case, case_of
from app.engine.exchange import Exchange
from app.engine.factsheet import Conversion
from app.engine.terms import NoTerms, Terms, TermsHistory
from app.partners.mapping import catalogue_of
from app.partners.repository import partner_ids
from app.rates.recorded import RecordedRates
from app.rulelang.facts import Catalogue
from app.runtime import Context
from app.store.models import Program


@dataclass(frozen=True, slots=True)
class ContractBook:
    """A program's contracts by partner, each with its history."""

    program: Program
    catalogue: Catalogue
    histories: dict[str, TermsHistory]
    partners: frozenset[str]
    exchange: Exchange

    @property
    def is_empty(self) -> bool:
        return not self.histories

    def case_of(self, conversion: Conversion) -> Case:
        """Return the case of a conversion: the terms of every partner that it concerns, and the model in force."""
        at = conversion.event_at
        model, currency = self.model_at(at), self.program.currency
        return case_of(conversion, lambda partner: self.terms_at(partner, at), model, currency, self.exchange)

    def terms_at(self, partner: str, at: datetime) -> Terms | NoTerms:
        """Return the terms of a partner's contract that are in force at an instant, or why there are none."""
        found = self.contract_of(partner)
        return found if isinstance(found, NoTerms) else found.at(at)

    def model_at(self, at: datetime) -> ProgramModel:
        """Return the attribution model in force at an instant."""
        return ProgramModel()

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
    catalogue, partners = catalogue_of(program, ctx.catalogue), frozenset(partner_ids(ctx.session))
    exchange = Exchange(catalogue, RecordedRates(ctx.session))
    return ContractBook(program, catalogue, histories, partners, exchange)
