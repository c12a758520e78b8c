"""Deliveries, adjustments and receipts as data for people and programs. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.conversions.describe import decision_summary
from app.core.instants import write_instant
from app.core.rounding import shown
from app.deliveries.operations.receive_deliveries import DeliveryReceipt
from app.deliveries.repository import DeliveryAt
from app.store.models import Decision, DeliveryAdjustment


def delivery_receipt_data(receipt: DeliveryReceipt) -> dict[str, Any]:
    """Return what became of a delivery that was taken in, with the decision on its day in short."""
    one = receipt.incoming
    decision = None if receipt.decision is None else day_summary(receipt.decision)
    return {
        "status": receipt.status,
        "id": None if one is None else one.id,
        "contract": None if one is None else one.contract,
        "decision": decision,
    }


def delivery_receipt_line(number: int, receipt: DeliveryReceipt, problem: dict[str, Any] | None) -> dict[str, Any]:
    """Return the same for one line of many."""
    said = {key: value for key, value in delivery_receipt_data(receipt).items() if value is not None}
    return {"line": number, **said, **({"problem": problem} if problem else {})}


def day_summary(decision: Decision) -> dict[str, Any]:
    """Return a decision on a day in short."""
    assert decision.delivered_on is not None
    return {"delivered_on": decision.delivered_on.isoformat(), **decision_summary(decision)}


def delivery_data(found: DeliveryAt) -> dict[str, Any]:
    """Return a delivery as it was received, and which revision had taken its place."""
    row = found.row
    return {
        "id": row.id,
        "contract": row.contract_id,
        "delivered_on": row.delivered_on.isoformat(),
        "placement": row.placement,
        "source": row.source,
        "revision": row.revision,
        "facts": row.facts,
        "recorded_at": write_instant(row.recorded_at),
        "replaced_by": found.replaced_by,
    }


def adjustment_data(row: DeliveryAdjustment, currency: str) -> dict[str, Any]:
    """Return an adjustment as it was booked."""
    amount = row.terms.get("amount")
    said = {**row.terms, **({} if amount is None else {"amount": shown(Decimal(amount), currency)})}
    return {
        "id": row.id,
        "contract": row.contract_id,
        "kind": row.kind,
        "delivered_on": row.delivered_on.isoformat(),
        "repairs_on": row.repairs_on.isoformat(),
        "placement": row.placement,
        **said,
        "reason": row.reason,
        "recorded_at": write_instant(row.recorded_at),
    }
