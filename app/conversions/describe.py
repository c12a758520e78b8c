"""Conversions and receipts as data for people and programs. Decisions describe themselves in `mapping.py`. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.conversions.mapping import decision_data
from app.conversions.operations.receive_conversions import Receipt
from app.conversions.repository import DecisionBrief
from app.core.instants import write_instant
from app.core.rounding import shown
from app.store.models import Conversion, Decision

NOT_DECIDED = {"code": "NOT_DECIDED", "message": "it was taken in by then, and not decided yet"}


def receipt_data(receipt: Receipt, decision: Decision | None, now: datetime) -> dict[str, Any]:
    """Return what became of a conversion that was taken in, with the whole decision."""
    shown = None if decision is None else decision_data(decision, now)
    return {"status": receipt.status, "id": receipt.id, "program": receipt.program, "decision": shown}


def receipt_line(number: int, receipt: Receipt, problem: dict[str, Any] | None) -> dict[str, Any]:
    """Return the same in short, for one line of many."""
    line: dict[str, Any] = {"line": number, "status": receipt.status, "id": receipt.id}
    if receipt.decision is not None:
        line["decision"] = decision_summary(receipt.decision)
    return line | ({"problem": problem} if problem else {})


def decision_summary(decision: Decision | DecisionBrief) -> dict[str, Any]:
    """Return a decision in short."""
    amount = shown(decision.amount, decision.currency)
    return {"id": decision.id, "outcome": decision.outcome, "amount": amount, "currency": decision.currency}


def conversion_data(conversion: Conversion, decision: Decision | None) -> dict[str, Any]:
    """Return a conversion as it was received, with the decision as it stood; null, with a reason, before the first."""
    decided = (
        {"decision": None, "reason": NOT_DECIDED} if decision is None else {"decision": decision_summary(decision)}
    )
    return {
        "id": conversion.id,
        "program": conversion.program_id,
        "event_at": write_instant(conversion.event_at),
        "received_at": write_instant(conversion.received_at),
        "partner": conversion.partner,
        "facts": conversion.facts,
        **decided,
    }
