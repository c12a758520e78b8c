"""Preview the decisions on a conversion that is not kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.contracts.linked_programs import linked_programs
from app.conversions.book import contract_book
from app.conversions.envelope import read_conversion
from app.conversions.errors import ConversionRefused
from app.conversions.operations.receive_conversions import facts_of_claim
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import Place, counter_before, first_of_orders, order_number_at
from app.conversions.sweep import Counting
from app.engine.counters import Before, Counter
from app.engine.decision import Decision
from app.engine.evaluate import Case, evaluate
from app.engine.factsheet import Conversion
from app.engine.terms import Terms
from app.partners.repository import program_named
from app.runtime import Context


@dataclass(frozen=True, slots=True)
class Preview:
    """Decisions that were not kept, by partner, with what is needed to explain them."""

    decisions: Mapping[str | None, Decision]
    case: Case
    before: Mapping[str, Before]
    as_of: datetime

    @property
    def leading(self) -> list[str | None]:
        """The partners, those first that are paid, then those with a contract."""
        found = self.decisions
        return sorted(found, key=lambda name: (found[name].outcome != "rated", not found[name].contract, name or ""))


def preview_decision(ctx: Context, body: Any, *, program: str | None = None) -> Preview:
    """Decide a conversion as if it arrived now, and keep nothing."""
    read = read_conversion(body, facts_of_claim(ctx, body, program), program)
    if isinstance(read, list):
        raise ConversionRefused(f"The conversion is refused. {read[0].pointer or '/'}: {read[0].message}", read)
    owner = program_named(ctx.session, read.program)
    settle_program(ctx, owner.id)
    key = (read.event_at, read.id)
    number = order_number_at(ctx.session, owner.id, read.customer_id, key)
    first = first_of_orders(ctx.session, owner.id, {read.order_id} if read.order_id else ())
    earlier = [counted for counted in first.values() if counted < key]
    conversion = Conversion(
        read.id,
        owner.id,
        read.event_at,
        read.partner,
        read.facts,
        number,
        read.touches,
        received_at=read.received_at or ctx.now(),
        duplicate_of=earlier[0][1] if earlier else None,
    )
    book = contract_book(ctx, owner)
    case = book.case_of(conversion)

    def load(contracts: Collection[str], counter: Counter, start: datetime, place: Place, customer: str) -> Any:
        return counter_before(ctx.session, contracts, counter, start, place, customer)

    accounts = linked_programs(ctx.session, [owner.id]).accounts
    counting, before = Counting(book.histories.values(), accounts, load), {}
    for terms in case.terms.values():
        if isinstance(terms, Terms):
            before[terms.contract.id] = counting.before(terms, (*key, owner.id), conversion.customer)
    decisions = evaluate(case, ctx.matcher, lambda terms: before[terms.contract.id])
    return Preview(decisions, case, before, ctx.now())
