"""Every query on billing runs, what they propose, and the periods that they are booked in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.billing.errors import RunNotFound
from app.store.models import (
    AccountingClosing,
    BillingRun,
    BillingRunProgress,
    Posting,
    ProposedLine,
    ProposedStatement,
    Statement,
)
from app.store.models.billing import OPEN
from app.store.rows import add_rows

PROPOSED = (
    "run_id",
    "place",
    "id",
    "is_accrual",
    "statement_id",
    "conversion_id",
    "delivered_on",
    "decision_id",
    "event_at",
    "rule",
    "part",
    "formula",
    "amount_precise",
    "amount",
    "corrects",
)


def run_named(session: Session, run_id: str, *, lock: bool = False) -> BillingRun:
    """Return a run, or refuse. With `lock`, wait until nobody else works on it."""
    query = select(BillingRun).where(BillingRun.id == run_id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True) if lock else query
    found = session.scalars(query).one_or_none()
    if found is None:
        raise RunNotFound(f"There is no billing run {run_id!r}. GET /v1/billing-runs lists those that there are.")
    return found


def is_worked_on(session: Session, run_id: str) -> bool:
    """Tell whether somebody is at work on a run; if nobody is, it is kept from others until the end of the unit of work."""
    query = select(BillingRun.id).where(BillingRun.id == run_id).with_for_update(key_share=True, skip_locked=True)
    return session.scalar(query) is None


def runs_opened(session: Session, program_id: str, contract_id: str | None, period: str) -> int:
    """Return how many runs were opened of a program or contract for a month."""
    query = select(func.count()).select_from(BillingRun)
    query = query.where(BillingRun.program_id == program_id, BillingRun.period == period)
    return session.scalar(query.where(BillingRun.contract_id.is_not_distinct_from(contract_id))) or 0


def open_run_beside(session: Session, program_id: str, contract_id: str | None, period: str) -> BillingRun | None:
    """Return an open run that bills some of the same."""
    query = select(BillingRun).where(
        BillingRun.program_id == program_id, BillingRun.period == period, BillingRun.state.in_(OPEN)
    )
    if contract_id is not None:
        query = query.where(or_(BillingRun.contract_id.is_(None), BillingRun.contract_id == contract_id))
    return session.scalars(query.order_by(BillingRun.position).limit(1)).one_or_none()


def reversal_of(session: Session, run_id: str) -> BillingRun | None:
    """Return the run that mirrors what another posted, unless it was given up."""
    query = select(BillingRun).where(BillingRun.reverses == run_id, BillingRun.state.not_in(("cancelled", "failed")))
    return session.scalars(query).one_or_none()


def add_run(session: Session, **values: Any) -> bool:
    """Add a run and the row of its progress. Return whether there was no other open one of the same."""
    added = session.scalar(
        insert(BillingRun).values(**values, state="queued").on_conflict_do_nothing().returning(BillingRun.id)
    )
    if added is None:
        return False
    progress = {"run_id": values["id"], "stage": "queued", "done": 0, "at": values["opened_at"]}
    session.execute(insert(BillingRunProgress).values(**progress))
    return True


def runs_before(session: Session, before: int | None, limit: int | None, **filters: str | None) -> Sequence[BillingRun]:
    """Return runs, the newest first, from behind a cursor."""
    query = select(BillingRun).order_by(BillingRun.position.desc())
    for name, value in filters.items():
        query = query if value is None else query.where(getattr(BillingRun, name) == value)
    query = query if before is None else query.where(BillingRun.position < before)
    return session.scalars(query if limit is None else query.limit(limit)).all()


def progress_of(session: Session, run_id: str) -> BillingRunProgress:
    """Return how far a run is, as it stands now."""
    query = select(BillingRunProgress).where(BillingRunProgress.run_id == run_id)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def note_progress(session: Session, run_id: str, stage: str, done: int, total: int | None, at: datetime) -> str | None:
    """Write down how far a run is; return who asked it to stop, if anybody did."""
    values = {"stage": stage, "done": done, "total": total, "at": at}
    query = update(BillingRunProgress).where(BillingRunProgress.run_id == run_id).values(**values)
    return session.scalar(query.returning(BillingRunProgress.stop_asked_by))


def note_settled(session: Session, run_id: str, engine: str | None, because: str | None) -> None:
    """Write down which engine settled what a run bills, if anything was to be settled, and why not the one that was wanted."""
    if engine is not None:
        values = {"settled_by": engine, "settled_because": because}
        session.execute(update(BillingRun).where(BillingRun.id == run_id).values(**values))


def add_proposed(session: Session, rows: Iterable[tuple[Any, ...]]) -> None:
    """Propose lines, in the order of PROPOSED."""
    add_rows(session, "proposed_lines", PROPOSED, rows)


def proposed_statements(session: Session, run_id: str) -> Sequence[ProposedStatement]:
    """Return what a run would post, statement by statement."""
    query = select(ProposedStatement).where(ProposedStatement.run_id == run_id)
    return session.scalars(query.order_by(ProposedStatement.contract_id)).all()


def proposed_lines(session: Session, run_id: str, after: int | None, limit: int | None) -> Sequence[ProposedLine]:
    """Return the lines and accruals that a run would post, from behind a cursor."""
    query = select(ProposedLine).where(ProposedLine.run_id == run_id).order_by(ProposedLine.place)
    query = query if after is None else query.where(ProposedLine.place > after)
    return session.scalars(query if limit is None else query.limit(limit)).all()


def give_up_proposed(session: Session, run_id: str, *, with_headers: bool) -> None:
    """Forget what a run proposed: it was posted, or never will be."""
    session.execute(text("DELETE FROM proposed_lines WHERE run_id = :run"), {"run": run_id})
    if with_headers:
        session.execute(text("DELETE FROM proposed_statements WHERE run_id = :run"), {"run": run_id})


_SUMS = text(
    """
    SELECT statement_id, count(*) FILTER (WHERE NOT is_accrual), count(*) FILTER (WHERE is_accrual),
           coalesce(sum(amount) FILTER (WHERE NOT is_accrual), 0), coalesce(sum(amount) FILTER (WHERE is_accrual), 0)
    FROM proposed_lines WHERE run_id = :run GROUP BY 1
    """
)


def proposed_sums(session: Session, run_id: str) -> dict[str, tuple[int, int, Decimal, Decimal]]:
    """Return how many lines and accruals a run proposes to each statement, and their amounts, added up again."""
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in session.execute(_SUMS, {"run": run_id})}


def postings_count(session: Session, statement_id: str) -> int:
    """Return how often a statement was posted to."""
    query = select(func.count()).select_from(Posting).where(Posting.statement_id == statement_id)
    return session.scalar(query) or 0


def last_posting_of(session: Session, contract_id: str) -> Posting | None:
    """Return what was posted last under a contract, to whichever of its statements."""
    query = select(Posting).join(Statement, Statement.id == Posting.statement_id)
    query = query.where(Statement.contract_id == contract_id).order_by(Posting.position.desc()).limit(1)
    return session.scalars(query).one_or_none()


def postings_of_run(session: Session, run_id: str) -> Sequence[tuple[Posting, Statement]]:
    """Return what a run posted, in order, each with its statement."""
    query = (
        select(Posting, Statement)
        .join(Statement, Statement.id == Posting.statement_id)
        .where(Posting.run_id == run_id)
        .order_by(Posting.position)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


_POST_LINES = text(
    """
    INSERT INTO statement_lines (id, statement_id, posting_id, conversion_id, delivered_on, decision_id, event_at, rule,
                                 part, formula, amount_precise, amount, corrects)
    SELECT l.id, l.statement_id, p.id, l.conversion_id, l.delivered_on, l.decision_id, l.event_at, l.rule, l.part,
           l.formula, l.amount_precise, l.amount, l.corrects
    FROM proposed_lines l JOIN postings p ON p.run_id = l.run_id AND p.statement_id = l.statement_id
    WHERE l.run_id = :run AND NOT l.is_accrual ORDER BY l.place
    """
)
_POST_ACCRUALS = text(
    """
    INSERT INTO accrual_lines (id, statement_id, posting_id, conversion_id, delivered_on, decision_id, event_at, rule, part,
                               formula, amount)
    SELECT l.id, l.statement_id, p.id, l.conversion_id, l.delivered_on, l.decision_id, l.event_at, l.rule, l.part,
           l.formula, l.amount
    FROM proposed_lines l JOIN postings p ON p.run_id = l.run_id AND p.statement_id = l.statement_id
    WHERE l.run_id = :run AND l.is_accrual ORDER BY l.place
    """
)


def post_proposed(session: Session, run_id: str) -> tuple[int, int]:
    """Post what a run proposed to the statements that it made postings to; return how many lines and accruals."""
    session.flush()
    lines: Any = session.execute(_POST_LINES, {"run": run_id})
    accruals: Any = session.execute(_POST_ACCRUALS, {"run": run_id})
    return lines.rowcount, accruals.rowcount


def closed_up_to(session: Session, program_id: str) -> str | None:
    """Return the last month that a program's books are closed for."""
    return session.scalar(select(func.max(AccountingClosing.period)).where(AccountingClosing.program_id == program_id))


def closings_of(session: Session, program_id: str, as_of: datetime) -> Sequence[AccountingClosing]:
    """Return the closings of a program by an instant, the latest month first."""
    query = select(AccountingClosing).where(
        AccountingClosing.program_id == program_id, AccountingClosing.closed_at <= as_of
    )
    return session.scalars(query.order_by(AccountingClosing.period.desc())).all()
