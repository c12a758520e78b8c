"""Reverse a conversion, all or a part of it: what came back is recorded once, and everything it touches is decided again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.audit.record import record
from app.contracts.linked_programs import lock_linked
from app.conversions.errors import ReversalDiffers, ReversalRefused
from app.conversions.mapping import engine_reversals, facts_as_sent
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import (
    add_reversal,
    add_unsettled,
    conversion_known,
    current_decisions,
    facts_at,
    is_posted,
    reversals_of,
    unsettle_later_of_customers,
)
from app.conversions.reversal_request import Asked, read_reversal, reversal_of, total_of
from app.core.errors import Finding
from app.core.instants import write_instant
from app.core.money import ZERO, canonical, plus
from app.engine.reversals import VALUE, Mode
from app.engine.reversals import Reversal as EngineReversal
from app.partners.mapping import catalogue_of
from app.partners.operations.get_program import get_program
from app.partners.repository import program_named
from app.rulelang.ast import Value
from app.runtime import Context
from app.store.models import Conversion, Decision, Program, Reversal


@dataclass(frozen=True, slots=True)
class Reversed:
    """A reversal as it is recorded, whether it was before, and the decisions as they stand after it."""

    reversal: Reversal
    is_repeated: bool
    decisions: Sequence[Decision]


def reverse_conversion(ctx: Context, body: Any, *, program: str, conversion: str) -> Reversed:
    """Record that all or a part of a conversion came back, and decide again what depends on it.

    Before the conversion is locked (or posted, where its contracts agree no lock) it is decided again with what is left
    of its facts. After that its lines stay and get negative ones. The same reversal again changes nothing.
    """
    owner = program_named(ctx.session, program)
    # Whoever reverses a part waits until the part before it is recorded: together they never take more than there is.
    lock_linked(ctx.session, [owner.id])
    row = conversion_known(ctx.session, owner.id, conversion)
    ctx.session.refresh(row)  # somebody else may have corrected it while we waited
    asked = _asked(ctx, body, row)
    earlier = reversals_of(ctx.session, owner.id, row.id)
    repeated = next((each for each in earlier if each.id == asked.id), None)
    if repeated is not None and repeated.body_hash != asked.body_hash:
        raise ReversalDiffers(
            f"The reversal {asked.id!r} of {row.id!r} was recorded before with other content. Nothing was changed.",
            [Finding("reversal_differs", "another reversal has this id", "/id")],
        )
    settle_program(ctx, owner.id)
    if repeated is None:
        repeated, is_repeated = _record(ctx, owner, row, asked, earlier), False
        settle_program(ctx, owner.id)
    else:
        is_repeated = True
    return Reversed(repeated, is_repeated, current_decisions(ctx.session, owner.id, row.id))


def get_reversals(
    ctx: Context, *, program: str, conversion: str, as_of: str | datetime | None = None
) -> Sequence[Reversal]:
    """Return the reversals of a conversion that were recorded by then, in their order."""
    owner, known_at = get_program(ctx, program=program, as_of=as_of)
    row = conversion_known(ctx.session, owner.id, conversion, known_at)
    return reversals_of(ctx.session, owner.id, row.id, known_at)


def _asked(ctx: Context, body: Any, conversion: Conversion) -> Asked:
    asked = read_reversal(body)
    if isinstance(asked, Asked) and asked.reversed_at is not None:
        asked = _when(ctx, asked, asked.reversed_at, conversion)
    if isinstance(asked, Asked):
        return asked
    more = f" (and {len(asked) - 1} more)" if len(asked) > 1 else ""
    raise ReversalRefused(f"The reversal is refused. {asked[0].pointer or '/'}: {asked[0].message}{more}", asked)


def _when(ctx: Context, asked: Asked, at: datetime, conversion: Conversion) -> Asked | list[Finding]:
    """Return a reversal that happened after its conversion and not in the future, or what is wrong with its time."""
    if at > ctx.now():
        message = f"reversed_at {write_instant(at)} lies in the future"
        return [Finding("future_time", message, "/reversed_at", "leave it out")]
    if at < conversion.event_at:
        message = f"reversed_at {write_instant(at)} lies before the conversion, {write_instant(conversion.event_at)}"
        return [Finding("out_of_range", message, "/reversed_at")]
    return asked


def _record(ctx: Context, owner: Program, row: Conversion, asked: Asked, earlier: Sequence[Reversal]) -> Reversal:
    """Keep a reversal and put what it touches on the work list."""
    facts = facts_as_sent(facts_at(ctx.session, row, row.corrections), catalogue_of(owner, ctx.catalogue))
    before = engine_reversals(earlier, facts)
    at = asked.reversed_at or max(ctx.now(), row.event_at)
    taken = reversal_of(asked, facts, before, at, _mode(ctx, owner, row), owner.currency)
    reversal = _row(ctx, row, asked, taken, before, facts)
    add_reversal(ctx.session, reversal)
    add_unsettled(ctx.session, [(row.id, owner.id, row.partner, row.event_at)])
    if taken.leaves_nothing and taken.mode == "restate" and row.customer_id is not None:
        # The customer's later orders move up by one.
        unsettle_later_of_customers(ctx.session, owner.id, {row.customer_id: (row.event_at, row.id)})
    after = {
        "id": taken.id,
        "reason": asked.reason,
        "form": asked.form,
        "mode": taken.mode,
        "value": canonical(taken.value),
        "leaves_nothing": taken.leaves_nothing,
    }
    what = "all that was left" if taken.leaves_nothing else f"{canonical(taken.value)} of the order value"
    summary = f"{owner.id}: {what} of {row.id} reversed as {taken.id}: {asked.reason}"
    record(ctx, "conversion.reversed", f"{owner.id}/{row.id}", summary, after=after)
    return reversal


def _mode(ctx: Context, owner: Program, row: Conversion) -> Mode:
    """Return what a reversal does that is recorded now. One that several contracts pay for is final with the first: when
    that locks it, or has posted it where it agrees no lock."""
    for decision in current_decisions(ctx.session, owner.id, row.id):
        if decision.outcome != "rated":
            continue
        locks_at = decision.locks_at
        if locks_at <= ctx.now() if locks_at is not None else is_posted(ctx.session, decision):
            return "negate"
    return "restate"


def _row(
    ctx: Context,
    conversion: Conversion,
    asked: Asked,
    taken: EngineReversal,
    before: Sequence[EngineReversal],
    facts: Mapping[str, Value],
) -> Reversal:
    of = facts.get(VALUE)
    return Reversal(
        program_id=conversion.program_id,
        conversion_id=conversion.id,
        number=len(before) + 1,
        id=taken.id,
        reversed_at=taken.at,
        reason=asked.reason,
        form=asked.form,
        mode=taken.mode,
        value=taken.value,
        total=plus(total_of(before), taken.value),
        order_value=max(of, ZERO) if isinstance(of, Decimal) else ZERO,
        leaves_nothing=taken.leaves_nothing,
        items=[{"sku": item.sku, "quantity": item.quantity} for item in taken.items],
        body_hash=asked.body_hash,
        recorded_at=ctx.now(),
    )
