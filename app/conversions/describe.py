"""Conversions and receipts as data for people and programs. Decisions describe themselves in `mapping.py`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.conversions.correction import fact_changes
from app.conversions.life import life_data
from app.conversions.mapping import decision_data
from app.conversions.operations.correct_conversion import Outcome as CorrectionOutcome
from app.conversions.operations.get_conversion import ConversionAt
from app.conversions.operations.receive_conversions import Receipt
from app.conversions.operations.reverse_conversion import Reversed
from app.conversions.repository import DecisionBrief
from app.core.instants import write_instant
from app.core.money import canonical, minus
from app.core.rounding import shown
from app.store.models import Correction, Decision, Reversal, Touch

NOT_DECIDED = {"code": "NOT_DECIDED", "message": "it was taken in by then, and not decided yet"}


def receipt_data(receipt: Receipt, decisions: Sequence[Decision], now: datetime) -> dict[str, Any]:
    """Return what became of a conversion that was taken in, with the whole decisions."""
    shown = [decision_data(decision, now) for decision in decisions]
    return {
        "status": receipt.status,
        "id": receipt.id,
        "program": receipt.program,
        "decision": shown[0] if shown else None,
        "decisions": shown,
    }


def receipt_line(number: int, receipt: Receipt, problem: dict[str, Any] | None) -> dict[str, Any]:
    """Return the same in short, for one line of many."""
    line: dict[str, Any] = {"line": number, "status": receipt.status, "id": receipt.id}
    if receipt.decisions:
        line["decision"] = decision_summary(receipt.decisions[0])
    if len(receipt.decisions) > 1:
        line["decisions"] = [decision_summary(decision) for decision in receipt.decisions]
    return line | ({"problem": problem} if problem else {})


def decision_summary(decision: Decision | DecisionBrief) -> dict[str, Any]:
    """Return a decision in short."""
    amount = shown(decision.amount, decision.currency)
    return {
        "id": decision.id,
        "partner": decision.partner,
        "contract": decision.contract_id,
        "outcome": decision.outcome,
        "amount": amount,
        "currency": decision.currency,
    }


def conversion_data(found: ConversionAt) -> dict[str, Any]:
    """Return a conversion with its facts as they were known, and the decisions as they stood: the one that pays, or leads
    otherwise, and all of them, each with the life it has under it. Before the first there is none, with a reason."""
    conversion, corrections = found.conversion, found.corrections
    briefs = [
        {**decision_summary(decision), "life": life_data(life)}
        for decision, life in zip(found.decisions, found.lives, strict=True)
    ]
    decided: dict[str, Any] = {"decision": briefs[0] if briefs else None, "decisions": briefs}
    decided |= {} if briefs else {"reason": NOT_DECIDED}
    return {
        "id": conversion.id,
        "program": conversion.program_id,
        "event_at": write_instant(conversion.event_at),
        "received_at": write_instant(conversion.received_at),
        "partner": conversion.partner,
        "state": found.lives[0].state if found.lives else "received",
        "facts": corrections[-1].facts if corrections else conversion.facts,
        "corrections": [correction_data(each, found) for each in corrections],
        "touches": [touch_data(touch) for touch in found.touches],
        **decided,
    }


def correction_data(correction: Correction, found: ConversionAt) -> dict[str, Any]:
    """Return a correction: who made it and why, and what each fact was before it and is after it."""
    before = {one.number: one.facts for one in found.corrections}.get(correction.number - 1, found.conversion.facts)
    return {
        "number": correction.number,
        "recorded_at": write_instant(correction.recorded_at),
        "corrected_by": correction.corrected_by,
        "reason": correction.reason,
        "changes": fact_changes(before, correction.facts),
    }


def corrected_data(outcome: CorrectionOutcome, program: str, conversion: str, now: datetime) -> dict[str, Any]:
    """Return what a correction came to, with the whole decisions."""
    shown = [decision_data(decision, now) for decision in outcome.decisions]
    return {
        "status": "unchanged" if outcome.is_repeated else "corrected",
        "id": conversion,
        "program": program,
        "number": 0 if outcome.correction is None else outcome.correction.number,
        "decision": shown[0] if shown else None,
        "decisions": shown,
    }


def touch_data(touch: Touch) -> dict[str, Any]:
    """Return a touch as it was received."""
    return {
        "id": touch.id,
        "partner": touch.partner,
        "type": touch.type,
        "at": write_instant(touch.at),
        "facts": touch.facts,
    }


def reversed_data(reversed_: Reversed, now: datetime) -> dict[str, Any]:
    """Return a reversal that was sent, as it is recorded, with the whole decisions after it."""
    shown = [decision_data(decision, now) for decision in reversed_.decisions]
    status = "duplicate" if reversed_.is_repeated else "accepted"
    return {"status": status, **reversal_data(reversed_.reversal), "decisions": shown}


def reversal_data(reversal: Reversal) -> dict[str, Any]:
    """Return a reversal as it was recorded."""
    return {
        "id": reversal.id,
        "conversion": reversal.conversion_id,
        "program": reversal.program_id,
        "number": reversal.number,
        "reversed_at": write_instant(reversal.reversed_at),
        "reason": reversal.reason,
        "form": reversal.form,
        "mode": reversal.mode,
        "amount": canonical(reversal.value),
        "left": canonical(minus(reversal.order_value, reversal.total)),
        "leaves_nothing": reversal.leaves_nothing,
        "items": reversal.items,
        "recorded_at": write_instant(reversal.recorded_at),
    }
