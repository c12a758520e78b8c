"""Every query of the billing room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Numeric, cast, func, or_, select, true
from sqlalchemy.orm import Session

from app.billing.balance import StatementBalance, balance_of
from app.billing.errors import StatementNotFound
from app.core.as_of import when_asked
from app.core.period import Period
from app.store.models import Decision, Posting, Statement, StatementLine


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a month has besides, which its terms hold or do not lock yet: how many decisions, their money, and when the
    first of them may be posted."""

    decisions: int
    amount: Decimal
    until: datetime | None


def waiting(session: Session, contract_id: str, statement_id: str, span: Period, now: datetime) -> Waiting:
    """Return what of a month cannot be posted yet."""
    due = func.greatest(Decision.held_until, Decision.locks_at)
    posted = (
        select(StatementLine.rule)
        .where(
            StatementLine.statement_id == statement_id,
            or_(
                StatementLine.conversion_id == Decision.conversion_id,
                StatementLine.delivered_on == Decision.delivered_on,
            ),
        )
        .group_by(StatementLine.rule, StatementLine.part)
        .having(func.sum(StatementLine.amount) != 0)
    )
    query = select(func.count(), func.coalesce(func.sum(Decision.amount), 0), func.min(due)).where(
        Decision.contract_id == contract_id,
        Decision.retired_at.is_(None),
        Decision.outcome == "rated",
        Decision.event_at >= span.start,
        Decision.event_at < span.end,
        due > now,
        ~posted.exists(),
    )
    count, amount, until = session.execute(query).one()
    return Waiting(count, Decimal(amount), until)


def postings_under(
    session: Session, contracts: Iterable[str], as_of: datetime | None = None
) -> dict[str, list[Posting]]:
    """Return all runs under contracts by contract, in order: all, or those posted by then."""
    query = (
        select(Statement.contract_id, Posting)
        .join(Statement, Statement.id == Posting.statement_id)
        .where(Statement.contract_id == func.any(list(contracts)))
        .where(true() if as_of is None else Posting.posted_at <= as_of)
        .order_by(Posting.position)
    )
    found: dict[str, list[Posting]] = {}
    for contract, run in session.execute(query):
        found.setdefault(contract, []).append(run)
    return found


def balances(
    session: Session, statements: Sequence[Statement], as_of: datetime | None = None
) -> dict[str, StatementBalance]:
    """Return the balance of statements by id, with what was posted by then."""
    runs = postings_under(session, {statement.contract_id for statement in statements}, as_of)
    return {one.id: balance_of(one.id, runs.get(one.contract_id, ())) for one in statements}


def statement_of(session: Session, contract_id: str, period: str, as_of: datetime) -> Statement:
    """Return a statement that was there by then, or refuse."""
    statement = session.get(Statement, f"{contract_id}/{period}")
    if statement is None or statement.created_at > as_of:
        asked = when_asked(as_of)
        raise StatementNotFound(
            f"The contract {contract_id!r} has no statement for {period}{asked}. Bill it with POST /v1/billing-runs."
        )
    return statement


@dataclass(frozen=True, slots=True)
class Total:
    """A statement with the sum of its rounded lines, as many as were posted by an instant."""

    statement: Statement
    lines: int
    amount: Decimal


def totals(
    session: Session,
    *,
    contract: str | None = None,
    period: str | None = None,
    as_of: datetime | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Total]:
    """Return statements with their totals in order of id, from behind a cursor: all that there is, or those that were
    there by then with what was posted to them by then."""
    posted = true() if as_of is None else Posting.posted_at <= as_of
    amount = func.coalesce(func.sum(StatementLine.amount).filter(posted), 0)
    query = (
        select(Statement, func.count(StatementLine.id).filter(posted), cast(amount, Numeric))
        .outerjoin(StatementLine, StatementLine.statement_id == Statement.id)
        .outerjoin(Posting, Posting.id == StatementLine.posting_id)
        .where(true() if as_of is None else Statement.created_at <= as_of)
        .group_by(Statement.id)
        .order_by(Statement.id)
    )
    query = query if contract is None else query.where(Statement.contract_id == contract)
    query = query if period is None else query.where(Statement.period == period)
    query = query if after is None else query.where(Statement.id > after)
    return [Total(*row) for row in session.execute(query if limit is None else query.limit(limit))]


def lines_after(
    session: Session, statement_id: str, after: int | None, limit: int | None, as_of: datetime | None = None
) -> Sequence[StatementLine]:
    """Return a statement's lines in the order they were posted, from behind a cursor: all, or those posted by then."""
    query = select(StatementLine).where(StatementLine.statement_id == statement_id).order_by(StatementLine.position)
    if as_of is not None:
        query = query.join(Posting, Posting.id == StatementLine.posting_id).where(Posting.posted_at <= as_of)
    query = query if after is None else query.where(StatementLine.position > after)
    return session.scalars(query if limit is None else query.limit(limit)).all()
