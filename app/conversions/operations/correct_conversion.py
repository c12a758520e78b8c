"""Correct the facts of a conversion: what was sent stays readable, and what depends on it is decided again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.audit.record import record
from app.contracts.linked_programs import lock_linked
from app.conversions.correction import Corrected, fact_changes, facts_hash, read_correction
from app.conversions.errors import (
    ConversionLocked,
    CorrectionRefused,
    ReversalCurrencyDiffers,
    ReversalExceeds,
)
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import (
    add_correction,
    conversion_known,
    current_decisions,
    facts_at,
    reversals_of,
    unsettle_conversion,
    unsettle_later_of_customers,
    unsettle_later_of_orders,
)
from app.core.errors import Finding
from app.core.instants import write_instant
from app.core.money import ZERO, canonical
from app.engine.exchange import CURRENCY
from app.engine.factsheet import typed_facts
from app.engine.reversals import VALUE
from app.partners.mapping import catalogue_of
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import Conversion, Correction, Decision, Program


@dataclass(frozen=True, slots=True)
class Outcome:
    """The correction that says what the facts are now, if there is any; whether nothing had to be changed; and the
    decisions as they stand after it."""

    correction: Correction | None
    is_repeated: bool
    decisions: Sequence[Decision]


def correct_conversion(ctx: Context, body: Any, *, program: str, conversion: str) -> Outcome:
    """Let a conversion have these facts from now on, all of them, and decide again what depends on it.

    After the lock that a contract agrees, what it pays is final, and a correction is refused. Where it agrees none, what
    is posted already is corrected by the difference in the next run. The facts that it has already change nothing.
    """
    owner = program_named(ctx.session, program)
    lock_linked(ctx.session, [owner.id])
    row = conversion_known(ctx.session, owner.id, conversion)
    ctx.session.refresh(row)  # somebody else may have corrected it while we waited
    read = read_correction(body, catalogue_of(owner, ctx.catalogue))
    if not isinstance(read, Corrected):
        more = f" (and {len(read) - 1} more)" if len(read) > 1 else ""
        raise CorrectionRefused(f"The correction is refused. {read[0].pointer or '/'}: {read[0].message}{more}", read)
    settle_program(ctx, owner.id)
    before = facts_at(ctx.session, row, row.corrections)
    if facts_hash(typed_facts(before, catalogue_of(owner, ctx.catalogue), "/facts")[0]) == read.facts_hash:
        return Outcome(_last(ctx, row), True, current_decisions(ctx.session, owner.id, row.id))
    _refuse_locked(ctx, row)
    _refuse_what_came_back_otherwise(ctx, owner, row, read, before)
    correction = _keep(ctx, owner, row, read, before)
    settle_program(ctx, owner.id)
    return Outcome(correction, False, current_decisions(ctx.session, owner.id, row.id))


def _refuse_what_came_back_otherwise(
    ctx: Context, owner: Program, row: Conversion, corrected: Corrected, before: dict[str, Any]
) -> None:
    """An order is never less than what came back of it, nor in another currency: then one of the two is wrong."""
    reversals = reversals_of(ctx.session, row.program_id, row.id)
    if not reversals:
        return  # of less than nothing, nothing can come back
    value, back = corrected.facts.get(VALUE), reversals[-1].total
    of = value if isinstance(value, Decimal) else ZERO
    if of < back:
        raise ReversalExceeds(
            f"{canonical(back)} of the order value of {row.id!r} came back already, so it cannot be {canonical(of)}.",
            [Finding("out_of_range", f"at least {canonical(back)}", "/facts/order_value")],
        )
    was, now = (facts.get(CURRENCY) or owner.currency for facts in (before, corrected.facts))
    if back and was != now:
        raise ReversalCurrencyDiffers(
            f"{canonical(back)} {was} of {row.id!r} came back already, so it cannot be in {now}.",
            [Finding("wrong_value", f"the order is in {was}", "/facts/currency")],
        )


def _refuse_locked(ctx: Context, row: Conversion) -> None:
    """One that several contracts pay for is final with the first of them that is."""
    for decision in current_decisions(ctx.session, row.program_id, row.id):
        if decision.outcome == "rated" and decision.locks_at is not None and decision.locks_at <= ctx.now():
            raise ConversionLocked(
                f"{row.id!r} is final under the contract {decision.contract_id} since {write_instant(decision.locks_at)}. "
                "Reverse what came back of it, or send what was missing as a conversion of its own."
            )


def _last(ctx: Context, row: Conversion) -> Correction | None:
    return ctx.session.get(Correction, (row.id, row.program_id, row.corrections)) if row.corrections else None


def _keep(ctx: Context, owner: Program, row: Conversion, read: Corrected, before: dict[str, Any]) -> Correction:
    """Keep a correction, and put on the work list what knows the conversion by the old facts or by the new ones."""
    key = (row.event_at, row.id)
    customers = {row.customer_id, read.customer_id} - {None}
    last = _last(ctx, row)
    row_order, orders = row.order_id, {row.order_id, read.order_id} - {None}
    correction = Correction(
        conversion_id=row.id,
        program_id=owner.id,
        number=row.corrections + 1,
        facts=read.raw_facts,
        facts_hash=read.facts_hash,
        reason=read.reason,
        corrected_by=ctx.actor,
        # Never before what it corrects, though this unit of work may have begun before that and waited for it.
        recorded_at=max([ctx.now(), row.recorded_at, *([] if last is None else [last.recorded_at])]),
    )
    add_correction(ctx.session, correction, read.customer_id, read.order_id)
    ctx.session.expire(row)
    unsettle_conversion(ctx.session, owner.id, row.id)
    unsettle_later_of_customers(ctx.session, owner.id, {str(name): key for name in customers})
    if row_order != read.order_id:
        unsettle_later_of_orders(ctx.session, owner.id, {str(name): key for name in orders})
    summary = f"{owner.id}: facts of {row.id} corrected: {read.reason}"
    after = {"number": correction.number, "changes": fact_changes(before, read.raw_facts)}
    record(ctx, "conversion.corrected", f"{owner.id}/{row.id}", summary, after=after, reason=read.reason)
    return correction
