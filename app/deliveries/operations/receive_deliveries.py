"""Take deliveries in: one, or many at once, each accepted, known already, replaced already, or refused by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from app.audit.record import record
from app.contracts.errors import ContractNotFound
from app.contracts.linked_programs import lock_linked
from app.contracts.mapping import timezone_of
from app.conversions.day_repository import day_decisions
from app.conversions.operations.settle_program import settle_program
from app.conversions.writing import Progress
from app.core.canonical import record_hash
from app.core.errors import AppError, Finding
from app.deliveries.envelope import IncomingDelivery, read_delivery
from app.deliveries.errors import DeliveryDiffers, DeliveryRefused
from app.deliveries.repository import add_deliveries, contracts_named, highest_revisions, known_hashes
from app.partners.mapping import catalogue_of
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import Contract, Decision
from app.store.rows import json_text
from app.store.work_list import AT_ONCE, unsettle_day

CHUNK = 5_000


@dataclass(slots=True)
class DeliveryReceipt:
    """What became of one delivery that was sent. One that is superseded is kept, and changes nothing."""

    status: Literal["accepted", "superseded", "duplicate", "refused"]
    incoming: IncomingDelivery | None = None
    problem: AppError | None = None
    # The decision on the day, as it stands with everything that came in.
    decision: Decision | None = None


def receive_delivery(ctx: Context, body: Any) -> DeliveryReceipt:
    """Take one delivery in and decide its day, or raise what is wrong with it."""
    (receipt,) = receive_deliveries(ctx, [body])
    if receipt.problem is not None:
        raise receipt.problem
    return receipt


def receive_deliveries(ctx: Context, bodies: Iterable[Any], progress: Progress | None = None) -> list[DeliveryReceipt]:
    """Take deliveries in and decide their days. Each has its own receipt; a bad one does not lose the others.

    A higher revision of a placement's count replaces it. The same revision again is answered as before; with other
    content it is refused.
    """
    bodies = list(bodies)
    contracts = contracts_named(ctx.session, {name for body in bodies if (name := _contract_of(body)) is not None})
    receipts = [_read(ctx, body, contracts) for body in bodies]
    by_program: dict[str, list[DeliveryReceipt]] = {}
    for receipt in receipts:
        if receipt.incoming is not None:
            by_program.setdefault(contracts[receipt.incoming.contract].program_id, []).append(receipt)
    # The locks of all of them at once: one after the other, two senders could each wait for the other.
    lock_linked(ctx.session, by_program)
    for program_id in sorted(by_program):
        _store(ctx, program_id, by_program[program_id])
        settle_program(ctx, program_id, progress)
    decisions: dict[tuple[str, date], Decision | None] = {}
    for receipt in receipts:
        one = receipt.incoming
        if one is not None and receipt.problem is None:
            day = (one.contract, one.delivered_on)
            if day not in decisions:
                made = day_decisions(ctx.session, *day, as_of=ctx.now())
                decisions[day] = next((each for each in made if each.retired_at is None), None)
            receipt.decision = decisions[day]
    return receipts


def _contract_of(body: Any) -> str | None:
    name = body.get("contract") if isinstance(body, dict) else None
    return name if isinstance(name, str) and "\0" not in name else None


def _read(ctx: Context, body: Any, contracts: dict[str, Contract]) -> DeliveryReceipt:
    if isinstance(body, AppError):  # a line that was not even JSON
        return DeliveryReceipt("refused", problem=body)
    contract = contracts.get(_contract_of(body) or "")
    if contract is None and _contract_of(body) is not None:
        problem = ContractNotFound(f"There is no contract {_contract_of(body)!r}.")
        return DeliveryReceipt("refused", problem=problem)
    catalogue, today = ctx.catalogue, ctx.now().date()
    if contract is not None:
        catalogue = catalogue_of(program_named(ctx.session, contract.program_id), ctx.catalogue)
        today = ctx.now().astimezone(timezone_of(contract)).date()
    found = read_delivery(body, catalogue, today)
    if isinstance(found, IncomingDelivery):
        return DeliveryReceipt("accepted", found)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    message = f"The delivery is refused. {found[0].pointer or '/'}: {found[0].message}{more}"
    return DeliveryReceipt("refused", problem=DeliveryRefused(message, found))


def _store(ctx: Context, program_id: str, receipts: Sequence[DeliveryReceipt]) -> None:
    fresh: list[IncomingDelivery] = []
    for start in range(0, len(receipts), CHUNK):
        fresh += _store_chunk(ctx, program_id, receipts[start : start + CHUNK])
    if fresh:
        _record(ctx, program_id, fresh, receipts)


def _store_chunk(ctx: Context, program_id: str, receipts: Sequence[DeliveryReceipt]) -> list[IncomingDelivery]:
    """Store the deliveries that are not known yet and return them; their days wait for a decision."""
    incoming = [receipt.incoming for receipt in receipts if receipt.incoming is not None]
    known = known_hashes(ctx.session, [one.id for one in incoming])
    contracts, days = sorted({one.contract for one in incoming}), sorted({one.delivered_on for one in incoming})
    highest = highest_revisions(ctx.session, contracts, days)
    fresh: dict[str, IncomingDelivery] = {}
    for receipt in receipts:
        one = receipt.incoming
        assert one is not None
        first = known.get(one.id) or (fresh[one.id].body_hash if one.id in fresh else None)
        if first is None:
            fresh[one.id] = one
            if one.revision < highest.get(one.counted, 0):
                receipt.status = "superseded"
            highest[one.counted] = max(one.revision, highest.get(one.counted, 0))
        elif first == one.body_hash:
            receipt.status = "duplicate"
        else:
            receipt.status, receipt.problem = "refused", _differs(one)
    add_deliveries(ctx.session, [_row(ctx, one) for one in fresh.values()])
    for contract, day in sorted({(one.contract, one.delivered_on) for one in fresh.values()}):
        unsettle_day(ctx.session, program_id, contract, day, AT_ONCE)
    return list(fresh.values())


def _differs(one: IncomingDelivery) -> DeliveryDiffers:
    return DeliveryDiffers(
        f"Revision {one.revision} of what {one.source} counted on {one.placement} on {one.delivered_on} was received before "
        "with other content. Nothing was changed; a correction has a higher revision.",
        [Finding("delivery_differs", "this revision has other content", "/revision", "send it as the next revision")],
    )


def _record(
    ctx: Context, program_id: str, fresh: Sequence[IncomingDelivery], receipts: Sequence[DeliveryReceipt]
) -> None:
    """Note what came in, once for all: how many, and a hash that only exactly these deliveries have."""
    statuses = Counter(receipt.status for receipt in receipts)
    after = {
        "accepted": len(fresh),
        "superseded": statuses["superseded"],
        "duplicate": statuses["duplicate"],
        "refused": statuses["refused"],
        "first": fresh[0].id,
        "hash": record_hash([[one.id, one.body_hash] for one in fresh]),
    }
    what = f"delivery {fresh[0].id}" if len(fresh) == 1 else f"{len(fresh):,} deliveries"
    record(ctx, "deliveries.received", program_id, f"{program_id}: {what} received", after=after)


def _row(ctx: Context, one: IncomingDelivery) -> tuple[Any, ...]:
    """Return a delivery as a row, in the order of `repository.DELIVERY_COLUMNS`."""
    return (
        one.id,
        one.contract,
        one.delivered_on,
        one.placement,
        one.source,
        one.revision,
        json_text(one.facts),
        one.body_hash,
        ctx.now(),
    )
