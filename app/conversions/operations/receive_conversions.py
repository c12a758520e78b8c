"""Take conversions in: one, or many at once, each accepted, known already, or refused by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

from app.audit.record import record
from app.contracts.linked_programs import lock_linked
from app.conversions.book import contract_book
from app.conversions.envelope import Incoming, read_conversion
from app.conversions.errors import ConversionDiffers, ConversionRefused, ProgramWithoutContract
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import (
    DecisionBrief,
    Key,
    add_conversions,
    add_touches,
    add_unsettled,
    body_hashes,
    current_briefs,
    unsettle_later_of_customers,
    unsettle_later_of_orders,
)
from app.conversions.writing import Progress
from app.core.canonical import record_hash
from app.core.errors import AppError, Finding
from app.core.instants import write_instant
from app.partners.mapping import catalogue_of
from app.partners.repository import program_named
from app.rulelang.facts import Catalogue
from app.runtime import Context
from app.store.models import Program
from app.store.rows import json_text

CHUNK = 5_000


@dataclass(slots=True)
class Receipt:
    """What became of one conversion that was sent."""

    status: Literal["accepted", "duplicate", "refused"]
    id: str | None = None
    program: str | None = None
    problem: AppError | None = None
    # The decisions on it, that which pays or leads otherwise first.
    decisions: Sequence[DecisionBrief] = ()


def receive_conversion(ctx: Context, body: Any, *, program: str | None = None) -> Receipt:
    """Take one conversion in and decide it, or raise what is wrong with it.

    The same conversion again is answered with the decision there is; other content under a known id is refused.
    """
    (receipt,) = receive_conversions(ctx, [body], program=program)
    if receipt.problem is not None:
        raise receipt.problem
    return receipt


def receive_conversions(
    ctx: Context, bodies: Iterable[Any], *, program: str | None = None, progress: Progress | None = None
) -> list[Receipt]:
    """Take conversions in and decide them. Each has its own receipt; a bad one does not lose the others."""
    receipts = store_conversions(ctx, bodies, program=program)
    programs = sorted({receipt.program for receipt in receipts if receipt.program and receipt.problem is None})
    for program_id in programs:
        settle_program(ctx, program_id, progress)
        mine = [receipt for receipt in receipts if receipt.program == program_id and receipt.problem is None]
        decisions = current_briefs(ctx.session, program_id, [receipt.id for receipt in mine if receipt.id])
        for receipt in mine:
            receipt.decisions = decisions.get(receipt.id or "", [])
    return receipts


def store_conversions(ctx: Context, bodies: Iterable[Any], *, program: str | None = None) -> list[Receipt]:
    """Take conversions in without deciding them yet; what they touch is marked for `settle_program`."""
    receipts: list[Receipt] = []
    readable: dict[str, list[tuple[Receipt, Incoming]]] = {}
    facts_of = cache(partial(_facts_of, ctx))  # the session by itself asks the database again for each body
    for body in bodies:
        receipt, incoming = _read(ctx, body, program, facts_of)
        receipts.append(receipt)
        if incoming is not None:
            readable.setdefault(incoming.program, []).append((receipt, incoming))
    # The locks of all of them at once: one after the other, two deliveries could each wait for the other.
    lock_linked(ctx.session, [program_id for program_id in readable if ctx.session.get(Program, program_id)])
    for program_id in sorted(readable):
        _store(ctx, program_id, readable[program_id])
    return receipts


def _read(
    ctx: Context, body: Any, program: str | None, facts_of: Callable[[str | None], Catalogue]
) -> tuple[Receipt, Incoming | None]:
    if isinstance(body, AppError):  # a line that was not even JSON
        return Receipt("refused", problem=body), None
    read = read_conversion(body, facts_of(_program_of(body, program)), program)
    if isinstance(read, Incoming) and read.received_at is not None and read.received_at > ctx.now():
        message = f"received_at {write_instant(read.received_at)} lies in the future"
        read = [Finding("future_time", message, "/received_at", "leave it out")]
    if isinstance(read, Incoming):
        return Receipt("accepted", read.id, read.program), read
    identifier = body.get("id") if isinstance(body, dict) and isinstance(body.get("id"), str) else None
    name = f"The conversion {identifier}" if identifier else "The conversion"
    more = f" (and {len(read) - 1} more)" if len(read) > 1 else ""
    problem = ConversionRefused(f"{name} is refused. {read[0].pointer or '/'}: {read[0].message}{more}", read)
    return Receipt("refused", identifier, problem=problem), None


def facts_of_claim(ctx: Context, body: Any, program: str | None) -> Catalogue:
    """Return the facts that a conversion may carry: those of its program, or the shipped ones where there is none."""
    return _facts_of(ctx, _program_of(body, program))


def _program_of(body: Any, program: str | None) -> str | None:
    named = body.get("program", program) if isinstance(body, dict) else program
    return named if isinstance(named, str) and "\0" not in named else None


def _facts_of(ctx: Context, program: str | None) -> Catalogue:
    owner = ctx.session.get(Program, program) if program is not None else None
    return ctx.catalogue if owner is None else catalogue_of(owner, ctx.catalogue)


def _store(ctx: Context, program_id: str, incoming: Sequence[tuple[Receipt, Incoming]]) -> None:
    try:
        owner = program_named(ctx.session, program_id)
        if contract_book(ctx, owner).is_empty:
            raise ProgramWithoutContract(
                f"The program {program_id!r} has no contract, so nothing could ever be paid for this conversion. "
                "Create a contract first, then send it again.",
                [Finding("program_without_contract", f"{program_id} has no contract", "/program")],
            )
    except AppError as problem:
        for receipt, _ in incoming:
            receipt.status, receipt.problem = "refused", problem
        return
    fresh: list[Incoming] = []
    for start in range(0, len(incoming), CHUNK):
        fresh += _store_chunk(ctx, program_id, incoming[start : start + CHUNK])
    if fresh:
        _record(ctx, program_id, fresh, incoming)


def _store_chunk(ctx: Context, program_id: str, incoming: Sequence[tuple[Receipt, Incoming]]) -> Iterable[Incoming]:
    """Store the conversions that are not known yet, and return them."""
    known = body_hashes(ctx.session, program_id, [one.id for _, one in incoming])
    fresh: dict[str, Incoming] = {}
    for receipt, one in incoming:
        first = known.get(one.id) or (fresh[one.id].body_hash if one.id in fresh else None)
        if first is None:
            fresh[one.id] = one
        elif first == one.body_hash:
            receipt.status = "duplicate"
        else:
            receipt.status = "refused"
            receipt.problem = ConversionDiffers(
                f"The conversion {one.id!r} was received before with other content. Nothing was changed; "
                "correct its facts with POST /v1/conversions/{program}/{id}/corrections.",
                [Finding("conversion_differs", "another conversion has this id", "/id")],
            )
    if fresh:
        add_conversions(ctx.session, [_row(ctx, one) for one in fresh.values()])
        add_touches(ctx.session, [row for one in fresh.values() for row in _touch_rows(one)])
        add_unsettled(ctx.session, [(one.id, program_id, one.partner, one.event_at) for one in fresh.values()])
        unsettle_later_of_customers(ctx.session, program_id, _first_by(fresh.values(), lambda one: one.customer_id))
        unsettle_later_of_orders(ctx.session, program_id, _first_by(fresh.values(), lambda one: one.order_id))
    return fresh.values()


def _record(
    ctx: Context, program_id: str, fresh: Sequence[Incoming], incoming: Sequence[tuple[Receipt, Incoming]]
) -> None:
    """Note what came in, once for all: how many, and a hash that only exactly these conversions have."""
    others = Counter(receipt.status for receipt, _ in incoming)
    after = {
        "accepted": len(fresh),
        "duplicate": others["duplicate"],
        "refused": others["refused"],
        "first": fresh[0].id,
        "hash": record_hash([[one.id, one.body_hash] for one in fresh]),
    }
    what = f"conversion {fresh[0].id}" if len(fresh) == 1 else f"{len(fresh):,} conversions"
    record(ctx, "conversions.received", program_id, f"{program_id}: {what} received", after=after)


def _row(ctx: Context, one: Incoming) -> tuple[Any, ...]:
    """Return a conversion as a row, in the order of `repository.CONVERSION_COLUMNS`."""
    received_at = one.received_at or ctx.now()
    return (
        one.program,
        one.id,
        one.event_at,
        received_at,
        ctx.now(),
        one.partner,
        one.customer_id,
        one.order_id,
        0,
        json_text(one.raw_facts),
        one.body_hash,
    )


def _touch_rows(one: Incoming) -> Iterator[tuple[Any, ...]]:
    """Yield the touches of a conversion as rows, in the order of `repository.TOUCH_COLUMNS`."""
    for touch in one.touches:
        facts = json_text(one.raw_touches.get(touch.id, {}))
        yield one.program, one.id, touch.id, touch.partner, touch.type, touch.at, facts


def _first_by(conversions: Iterable[Incoming], name_of: Callable[[Incoming], str | None]) -> dict[str, Key]:
    """Return the place of the first conversion of each customer, or of each order."""
    first: dict[str, Key] = {}
    for one in conversions:
        name, key = name_of(one), (one.event_at, one.id)
        if name is not None and (name not in first or key < first[name]):
            first[name] = key
    return first
