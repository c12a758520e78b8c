"""The query of a statement's lines with what explains each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app.store.models import Contract, Conversion, Decision, Posting, Statement, StatementLine


def explained_lines(session: Session, statement_id: str, as_of: datetime) -> Iterator[tuple[StatementLine, Any]]:
    """Yield the lines that were posted to a statement by an instant, in that order, each with its posting's and its
    decision's part: accounting period, posted at, order, contract version, rule version."""
    rule_version = func.coalesce(
        Decision.record["rule_versions"]["payout"]["id"].astext,
        Decision.record["rule_versions"]["delivery_payout"]["id"].astext,
    )
    query = (
        select(
            StatementLine,
            Posting.accounting_period,
            Posting.posted_at,
            Conversion.order_id,
            Decision.contract_version,
            rule_version,
        )
        .join(Posting, Posting.id == StatementLine.posting_id)
        .join(Statement, Statement.id == StatementLine.statement_id)
        .join(Contract, Contract.id == Statement.contract_id)
        .join(Decision, Decision.id == StatementLine.decision_id)
        .outerjoin(
            Conversion,
            and_(Conversion.program_id == Contract.program_id, Conversion.id == StatementLine.conversion_id),
        )
        .where(StatementLine.statement_id == statement_id, Posting.posted_at <= as_of)
        .order_by(StatementLine.position)
    )
    for line, *more in session.execute(query):
        yield line, more
