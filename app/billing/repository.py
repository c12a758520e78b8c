"""Every query of the billing room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, cast, func, select, text, true
from sqlalchemy.orm import Session

from app.billing.balance import StatementBalance, balance_of
from app.billing.errors import StatementNotFound
from app.core.as_of import when_asked
from app.core.period import Period
from app.store.models import BillingRun, Decision, Statement, StatementLine
from app.store.rows import add_rows


@dataclass(frozen=True, slots=True)
class Difference:
    """A conversion × rule × part whose posted amount is not what it should be."""

    conversion_id: str
    rule: str
    part: str
    event_at: datetime
    decision_id: str
    formula: str
    target_precise: Decimal
    target: Decimal
    posted_precise: Decimal
    posted: Decimal
    corrects: str | None


# Target minus posted, per conversion × rule × part of the period. A line that should no longer exist has the target zero and
# is booked on the decision that is current now. What its terms hold, or do not lock yet, waits; what is posted does not
# go away by that.
_DIFFERENCES = text(
    """
    WITH posted AS (
        SELECT conversion_id, rule, part, max(event_at) AS event_at, sum(amount) AS amount, sum(amount_precise) AS precise,
               (array_agg(id ORDER BY position DESC))[1] AS last_id,
               (array_agg(decision_id ORDER BY position DESC))[1] AS decision_id,
               (array_agg(formula ORDER BY position DESC))[1] AS formula
        FROM statement_lines WHERE statement_id = :statement
        GROUP BY conversion_id, rule, part
    ), target AS (
        SELECT d.conversion_id, l ->> 'rule' AS rule, coalesce(l ->> 'part', '') AS part, d.event_at,
               d.id AS decision_id, l ->> 'formula' AS formula,
               (l ->> 'amount_precise')::numeric AS precise, (l ->> 'amount')::numeric AS amount
        FROM decisions d CROSS JOIN LATERAL jsonb_array_elements(d.record -> 'lines') AS l
        WHERE d.contract_id = :contract AND d.retired_at IS NULL AND d.outcome = 'rated'
          AND d.event_at >= :start AND d.event_at < :end
          AND (coalesce(greatest(d.held_until, d.locks_at) <= :now, true)
               OR d.conversion_id IN (SELECT conversion_id FROM posted))
    )
    SELECT coalesce(t.conversion_id, p.conversion_id), coalesce(t.rule, p.rule), coalesce(t.part, p.part),
           coalesce(t.event_at, p.event_at),
           coalesce(t.decision_id, (
               SELECT d.id FROM decisions d
               WHERE d.conversion_id = p.conversion_id AND d.program_id = :program AND d.contract_id = :contract
                 AND d.retired_at IS NULL
           ), p.decision_id), coalesce(t.formula, p.formula),
           coalesce(t.precise, 0), coalesce(t.amount, 0), coalesce(p.precise, 0), coalesce(p.amount, 0), p.last_id
    FROM target t FULL JOIN posted p ON p.conversion_id = t.conversion_id AND p.rule = t.rule AND p.part = t.part
    WHERE coalesce(t.amount, 0) <> coalesce(p.amount, 0)
    ORDER BY 4, 1, 2, 3
    """
)


def differences(
    session: Session, contract_id: str, program_id: str, statement_id: str, span: Period, now: datetime
) -> list[Difference]:
    """Return what should exist by now minus what is posted, in canonical order; nothing where the two agree."""
    rows = session.execute(
        _DIFFERENCES,
        {
            "contract": contract_id,
            "program": program_id,
            "statement": statement_id,
            "start": span.start,
            "end": span.end,
            "now": now,
        },
    )
    return [Difference(*row) for row in rows]


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
    posted = select(StatementLine.id).where(
        StatementLine.statement_id == statement_id, StatementLine.conversion_id == Decision.conversion_id
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


LINE_COLUMNS = (
    "id",
    "statement_id",
    "run_id",
    "conversion_id",
    "decision_id",
    "event_at",
    "rule",
    "part",
    "formula",
    "amount_precise",
    "amount",
    "corrects",
)


def add_lines(session: Session, lines: Iterable[tuple[Any, ...]]) -> None:
    """Post lines, in the order of LINE_COLUMNS."""
    add_rows(session, "statement_lines", LINE_COLUMNS, lines)


def runs_of(session: Session, statement_id: str) -> int:
    """Return how often a statement was posted to."""
    query = select(func.count()).select_from(BillingRun).where(BillingRun.statement_id == statement_id)
    return session.scalar(query) or 0


def last_run_of(session: Session, contract_id: str) -> BillingRun | None:
    """Return what was posted last under a contract, to whichever of its statements."""
    query = select(BillingRun).join(Statement, Statement.id == BillingRun.statement_id)
    query = query.where(Statement.contract_id == contract_id).order_by(BillingRun.position.desc()).limit(1)
    return session.scalars(query).one_or_none()


def runs_under(
    session: Session, contracts: Iterable[str], as_of: datetime | None = None
) -> dict[str, list[BillingRun]]:
    """Return all runs under contracts by contract, in order: all, or those posted by then."""
    query = (
        select(Statement.contract_id, BillingRun)
        .join(Statement, Statement.id == BillingRun.statement_id)
        .where(Statement.contract_id == func.any(list(contracts)))
        .where(true() if as_of is None else BillingRun.posted_at <= as_of)
        .order_by(BillingRun.position)
    )
    found: dict[str, list[BillingRun]] = {}
    for contract, run in session.execute(query):
        found.setdefault(contract, []).append(run)
    return found


def balances(
    session: Session, statements: Sequence[Statement], as_of: datetime | None = None
) -> dict[str, StatementBalance]:
    """Return the balance of statements by id, with what was posted by then."""
    runs = runs_under(session, {statement.contract_id for statement in statements}, as_of)
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
    posted = true() if as_of is None else BillingRun.posted_at <= as_of
    amount = func.coalesce(func.sum(StatementLine.amount).filter(posted), 0)
    query = (
        select(Statement, func.count(StatementLine.id).filter(posted), cast(amount, Numeric))
        .outerjoin(StatementLine, StatementLine.statement_id == Statement.id)
        .outerjoin(BillingRun, BillingRun.id == StatementLine.run_id)
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
        query = query.join(BillingRun, BillingRun.id == StatementLine.run_id).where(BillingRun.posted_at <= as_of)
    query = query if after is None else query.where(StatementLine.position > after)
    return session.scalars(query if limit is None else query.limit(limit)).all()
