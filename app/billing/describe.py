"""Statements and lines as data for people and programs. Pure."""

from __future__ import annotations

from typing import Any

from app.billing.operations.bill_contract import Billed
from app.billing.repository import Total
from app.core.instants import write_instant
from app.core.money import canonical
from app.core.rounding import shown
from app.store.models import StatementLine


def billed_data(billed: Billed) -> dict[str, Any]:
    """Return what a run posted."""
    return {
        "statement": billed.statement.id,
        "run": None if billed.run is None else billed.run.id,
        "lines": billed.lines,
        "corrections": billed.corrections,
        "amount": shown(billed.amount, billed.statement.currency),
        "currency": billed.statement.currency,
    }


def statement_data(total: Total) -> dict[str, Any]:
    """Return a statement's header."""
    statement = total.statement
    return {
        "contract": statement.contract_id,
        "period": statement.period,
        "currency": statement.currency,
        "total": shown(total.amount, statement.currency),
        "line_count": total.lines,
        "created_at": write_instant(statement.created_at),
    }


def line_data(line: StatementLine, currency: str) -> dict[str, Any]:
    """Return one statement line."""
    return {
        "id": line.id,
        "conversion": line.conversion_id,
        "decision": line.decision_id,
        "event_at": write_instant(line.event_at),
        "rule": line.rule,
        "formula": line.formula,
        "amount_precise": canonical(line.amount_precise),
        "amount": shown(line.amount, currency),
        "run": line.run_id,
        "corrects": line.corrects,
    }
