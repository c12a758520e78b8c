"""Preview the decision on a conversion that is not kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.conversions.book import contract_book
from app.conversions.envelope import read_conversion
from app.conversions.errors import ConversionRefused
from app.conversions.operations.receive_conversions import facts_of_claim
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import counter_before, order_number_at
from app.engine.counters import Before, RunningTotals
from app.engine.decision import Decision
from app.engine.evaluate import decide_unclaimed, decide_without_terms, evaluate
from app.engine.factsheet import Conversion
from app.engine.terms import NoTerms, Terms
from app.partners.repository import program_named
from app.runtime import Context


@dataclass(frozen=True, slots=True)
class Preview:
    """A decision that was not kept, with what is needed to explain it."""

    decision: Decision
    conversion: Conversion
    terms: Terms | None
    before: Before
    as_of: datetime


def preview_decision(ctx: Context, body: Any, *, program: str | None = None) -> Preview:
    """Decide a conversion as if it arrived now, and keep nothing."""
    read = read_conversion(body, facts_of_claim(ctx, body, program), program)
    if isinstance(read, list):
        raise ConversionRefused(f"The conversion is refused. {read[0].pointer or '/'}: {read[0].message}", read)
    owner = program_named(ctx.session, read.program)
    settle_program(ctx, owner.id)
    key = (read.event_at, read.id)
    order_number = order_number_at(ctx.session, owner.id, read.customer_id, key)
    conversion = Conversion(read.id, owner.id, read.event_at, read.partner, read.facts, order_number)

    if read.partner is None:
        return Preview(decide_unclaimed(conversion, owner.currency), conversion, None, {}, ctx.now())
    history = contract_book(ctx, owner).contract_of(read.partner)
    if isinstance(history, NoTerms):
        decision = decide_without_terms(conversion, history, None, owner.currency)
        return Preview(decision, conversion, None, {}, ctx.now())
    contract = history.contract
    terms = history.at(read.event_at)
    if isinstance(terms, NoTerms):
        decision = decide_without_terms(conversion, terms, contract.id, contract.currency)
        return Preview(decision, conversion, None, {}, ctx.now())
    totals = RunningTotals(
        contract.timezone,
        history.anchor,
        lambda counter, start, customer: counter_before(ctx.session, contract.id, counter, start, key),
    )
    before = totals.before(terms.counters_since, read.event_at)
    return Preview(evaluate(terms, conversion, ctx.matcher, before), conversion, terms, before, ctx.now())
