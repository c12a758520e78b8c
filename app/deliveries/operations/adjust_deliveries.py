"""Book what puts an earlier day right: impressions that make good for others, or money back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from app.audit.record import record
from app.contracts.linked_programs import lock_linked
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named
from app.conversions.operations.settle_program import settle_program
from app.core.canonical import record_hash
from app.core.errors import Finding, pointer_of
from app.core.instants import parse_date, start_of_day
from app.core.money import canonical
from app.deliveries.errors import AdjustmentDiffers, AdjustmentRefused
from app.deliveries.repository import adjustment_of
from app.rulelang.diagnostics import Findings, described
from app.rulelang.reader import Reader
from app.runtime import Context
from app.store.models import Contract, DeliveryAdjustment
from app.store.work_list import unsettle_day

MAX_REASON, MAX_NAME = 500, 128
NUMBERS = {"make_good": ("impressions", "cpm"), "credit": ("amount",)}
WHAT = {"impressions": "a number of impressions", "cpm": "a price per thousand", "amount": "an amount of money"}


def adjust_deliveries(ctx: Context, *, contract: str, id: str, **given: Any) -> tuple[DeliveryAdjustment, bool]:
    """Book an adjustment and decide its day; return it, and whether it is new.

    A make-good takes impressions of a placement's day out of what is paid at the rules and pays them at a price of its
    own, or not at all. A credit gives money back. Both name the day that they repair, and why.
    """
    row = contract_named(ctx.session, contract)
    lock_linked(ctx.session, [row.program_id])
    booked = _read(row, id, given)
    known = adjustment_of(ctx.session, contract, id)
    if known is not None:
        if known.body_hash == booked.body_hash:
            return known, False
        finding = Finding("adjustment_differs", "another adjustment has this id", "/id")
        raise AdjustmentDiffers(f"The adjustment {id!r} of {contract} says something else already.", [finding])
    booked.recorded_at = ctx.now()
    ctx.session.add(booked)
    summary = f"{contract}: {booked.kind.replace('_', '-')} {id} booked on {booked.delivered_on}"
    after = {"repairs_on": str(booked.repairs_on), "placement": booked.placement, **booked.terms}
    record(ctx, "delivery.adjusted", contract, summary, after=after, reason=booked.reason)
    ctx.session.flush()
    due_at = start_of_day(booked.delivered_on, timezone_of(row))
    unsettle_day(ctx.session, row.program_id, contract, booked.delivered_on, due_at)
    settle_program(ctx, row.program_id)
    return booked, True


def _read(contract: Contract, identifier: str, given: dict[str, Any]) -> DeliveryAdjustment:
    """Return an adjustment, or refuse it with everything that is wrong."""
    findings = Findings()
    reader = Reader(findings)
    kind = reader.word(given.get("kind"), "/kind", tuple(NUMBERS))
    days = {key: _day(findings, given.get(key), key) for key in ("delivered_on", "repairs_on")}
    booked, repaired = days["delivered_on"], days["repairs_on"]
    if booked is not None and repaired is not None and repaired > booked:
        message = f"it is booked on {booked}, before the day that it repairs, {repaired}"
        findings.note(Finding("starts_rise", message, "/repairs_on"))
    terms: dict[str, str] = {}
    for name, what in WHAT.items():
        value = given.get(name)
        if kind is not None and value is not None and name not in NUMBERS[kind]:
            findings.add("unknown_key", pointer_of(name), f"a {kind} has no {name}", "leave it out")
        elif value is not None:
            found = value if isinstance(value, Decimal) else reader.decimal(value, pointer_of(name), what=what)
            if found is not None and (found < 0 or (found == 0 and name != "cpm")):
                findings.add("out_of_range", pointer_of(name), f"{what} above zero; found {canonical(found)}")
            terms[name] = "" if found is None else canonical(found)
    if kind == "make_good":
        terms.setdefault("cpm", "0")
    for name in NUMBERS.get(kind or "", ()):
        if name not in terms:
            findings.add("missing_key", "", f"a {kind} says {name}: {WHAT[name]}")
    placement = given.get("placement")
    if kind == "make_good" and placement is None:
        findings.add("missing_key", "", "a make_good says on which placement its impressions are shown: placement")
    if placement is not None and not _is_line(placement, MAX_NAME):
        findings.add("wrong_type", "/placement", f"expected the name of a placement; found {described(placement)}")
    reason = given.get("reason")
    if not _is_line(reason, MAX_REASON):
        findings.add("missing_key", "/reason", f"say why, in 1 to {MAX_REASON} characters; found {described(reason)}")
    if findings.all:
        first = findings.all[0]
        raise AdjustmentRefused(f"The adjustment is refused. {first.pointer or '/'}: {first.message}", findings.all)
    said = [kind, str(booked), str(repaired), placement, terms, reason]
    return DeliveryAdjustment(
        contract_id=contract.id,
        id=identifier,
        kind=kind,
        delivered_on=booked,
        repairs_on=repaired,
        placement=placement,
        terms=terms,
        reason=reason,
        body_hash=record_hash({"said": said}),
    )


def _day(findings: Findings, given: Any, key: str) -> date | None:
    day = parse_date(given) if isinstance(given, str) else None
    if day is None or not 1 < day.year < 9000:
        findings.add("wrong_type", pointer_of(key), f"{key} is a local day YYYY-MM-DD; found {described(given)}")
        return None
    return day


def _is_line(text: Any, most: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= most and text.isprintable() and bool(text.strip())
