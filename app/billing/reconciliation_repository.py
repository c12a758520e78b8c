"""The queries of a reconciliation: what a statement has by conversion or order, and what became of what it has not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import and_, cast, func, select
from sqlalchemy.orm import Session
from sqlalchemy.types import Numeric, Text

from app.store.models import Contract, Conversion, Decision, Statement, StatementLine

By = Literal["conversion", "order"]


def amounts_of(session: Session, contract: Contract, statement_id: str, by: By) -> dict[str, Decimal]:
    """Return what is on a statement by conversion, or by order. What has no order stands under its conversion, and
    impressions under their day."""
    subject = func.coalesce(StatementLine.conversion_id, cast(StatementLine.delivered_on, Text))
    key = subject if by == "conversion" else func.coalesce(Conversion.order_id, subject)
    query = (
        select(key, cast(func.sum(StatementLine.amount), Numeric))
        .outerjoin(
            Conversion,
            and_(Conversion.program_id == contract.program_id, Conversion.id == StatementLine.conversion_id),
        )
        .where(StatementLine.statement_id == statement_id)
        .group_by(key)
        .order_by(key)
    )
    return {row[0]: row[1] for row in session.execute(query)}


@dataclass(frozen=True, slots=True)
class Fate:
    """A conversion of an id, and one of the decisions on it as they stand, if it has one."""

    key: str
    conversion: str
    decision: str | None
    contract: str | None
    partner: str | None
    outcome: str | None
    amount: Decimal | None
    event_at: datetime
    due_at: datetime | None
    duplicate_of: str | None
    codes: tuple[str, ...]


def fates_of(session: Session, contract: Contract, keys: Iterable[str], by: By) -> list[Fate]:
    """Return what became of conversions in the program, by their ids or those of their orders."""
    key = Conversion.id if by == "conversion" else Conversion.order_id
    query = (
        select(
            key,
            Conversion.id,
            Decision.id,
            Decision.contract_id,
            Decision.partner,
            Decision.outcome,
            Decision.amount,
            Conversion.event_at,
            func.greatest(Decision.held_until, Decision.locks_at),
            Decision.duplicate_of,
            Decision.record["reasons"],
        )
        .outerjoin(
            Decision,
            and_(
                Decision.conversion_id == Conversion.id,
                Decision.program_id == Conversion.program_id,
                Decision.retired_at.is_(None),
            ),
        )
        .where(Conversion.program_id == contract.program_id, key == func.any(list(keys)))
        .order_by(Conversion.event_at, Conversion.id, Decision.id)
    )
    return [_fate(row) for row in session.execute(query)]


def _fate(row: Any) -> Fate:
    values: Any = (*row[:-1], _codes(row[-1]))
    return Fate(*values)


def _codes(reasons: list[dict[str, Any]] | None) -> tuple[str, ...]:
    return tuple(reason["code"] for reason in reasons or ())


def posted_elsewhere(
    session: Session, contract: Contract, statement_id: str, conversions: Sequence[str]
) -> dict[str, tuple[str, Decimal]]:
    """Return on which other statement of a contract conversions are, and with how much."""
    amount = cast(func.sum(StatementLine.amount), Numeric)
    query: Any = (
        select(StatementLine.conversion_id, StatementLine.statement_id, amount)
        .join(Statement, Statement.id == StatementLine.statement_id)
        .where(Statement.contract_id == contract.id, StatementLine.statement_id != statement_id)
        .where(StatementLine.conversion_id == func.any(list(conversions)))
        .group_by(StatementLine.conversion_id, StatementLine.statement_id)
        .having(amount != 0)
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(query)}
