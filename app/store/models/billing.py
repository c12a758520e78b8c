"""Statements and their lines, the runs that compute what is missing from them, and what the runs posted.

Postings, lines and accruals are only ever added. What a run proposes is kept until it is posted or given up.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base

KINDS = ("bill", "reversal")
OPEN = ("queued", "computing", "ready", "posting")
STATES = (*OPEN, "posted", "cancelled", "failed")
ENGINES = ("online", "duckdb", "spark")


class Statement(Base):
    """What is paid under one contract for one service period. Its total is the sum of its lines."""

    __tablename__ = "statements"
    __table_args__ = (UniqueConstraint("contract_id", "period"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"))
    period: Mapped[str]
    currency: Mapped[str]
    created_at: Mapped[datetime]


class BillingRun(Base):
    """A program, or one contract of it, is billed for a service month: opened by one person, computed by a worker, looked
    at, and posted by another. A run of the kind `reversal` mirrors what an earlier one posted."""

    __tablename__ = "billing_runs"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(kind = 'reversal') = (reverses IS NOT NULL)", name="reverses"),
        CheckConstraint("posted_by <> opened_by", name="posted_by_another"),
        CheckConstraint("posted_by IS NOT NULL OR state NOT IN ('posting', 'posted')", name="posted_by_somebody"),
        CheckConstraint("(state = 'posted') = (posted_at IS NOT NULL)", name="posted_at"),
        CheckConstraint("(fault IS NOT NULL) = (state = 'failed')", name="fault"),
        CheckConstraint(f"engine IN {ENGINES}", name="engine"),
        CheckConstraint("settled_by IN (engine, 'online')", name="settled_by"),
        CheckConstraint(
            "(settled_because IS NOT NULL) = coalesce(settled_by <> engine, false)", name="settled_because"
        ),
        Index(
            "uq_billing_runs_open",
            "program_id",
            "contract_id",
            "period",
            unique=True,
            postgresql_where=text(f"state IN {OPEN}"),
            postgresql_nulls_not_distinct=True,
        ),
        # What was posted is mirrored once; a reversal that was given up may be begun again.
        Index(
            "uq_billing_runs_reverses",
            "reverses",
            unique=True,
            postgresql_where=text("state NOT IN ('cancelled', 'failed')"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    # The order in which they were opened.
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str]
    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"))
    # Of one contract; without it, of all that the program has.
    contract_id: Mapped[str | None] = mapped_column(ForeignKey("contracts.id"))
    period: Mapped[str]
    state: Mapped[str]
    reverses: Mapped[str | None] = mapped_column(ForeignKey("billing_runs.id"))
    opened_by: Mapped[str]
    opened_at: Mapped[datetime]
    # What was to settle the conversions, what did so where any waited, and why not what was wanted.
    engine: Mapped[str] = mapped_column(server_default="online")
    settled_by: Mapped[str | None]
    settled_because: Mapped[str | None]
    # What was known then is what it proposes.
    computed_at: Mapped[datetime | None]
    posted_by: Mapped[str | None]
    posted_at: Mapped[datetime | None]
    # Who gave it up, and when; or when it failed.
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    # What came in and what came out, counted twice.
    controls: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class BillingRunProgress(Base):
    """How far a run is, written beside its transaction so that others see it; and whether it was asked to stop."""

    __tablename__ = "billing_run_progress"

    run_id: Mapped[str] = mapped_column(ForeignKey("billing_runs.id"), primary_key=True)
    stage: Mapped[str]
    done: Mapped[int]
    total: Mapped[int | None]
    at: Mapped[datetime]
    stop_asked_by: Mapped[str | None]


class ProposedStatement(Base):
    """What a run would post to one statement, and after how many postings to it that was computed."""

    __tablename__ = "proposed_statements"
    __table_args__ = (CheckConstraint("after_postings >= 0", name="after_postings"),)

    run_id: Mapped[str] = mapped_column(ForeignKey("billing_runs.id"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    after_postings: Mapped[int]
    lines: Mapped[int]
    corrections: Mapped[int]
    amount: Mapped[Decimal]
    accruals: Mapped[int]
    accrued: Mapped[Decimal]
    # What cannot be posted yet, because its terms hold it or do not lock it.
    waiting: Mapped[int]
    waiting_amount: Mapped[Decimal]
    waiting_until: Mapped[datetime | None]


class ProposedLine(Base):
    """A line, or an accrual, that a run would post."""

    __tablename__ = "proposed_lines"
    __table_args__ = (
        CheckConstraint("is_accrual OR amount <> 0", name="amount_is_not_zero"),
        CheckConstraint("(conversion_id IS NULL) = (delivered_on IS NOT NULL)", name="of_one_subject"),
    )

    run_id: Mapped[str] = mapped_column(ForeignKey("billing_runs.id"), primary_key=True)
    place: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[str]
    is_accrual: Mapped[bool]
    statement_id: Mapped[str]
    conversion_id: Mapped[str | None]
    delivered_on: Mapped[date | None]
    decision_id: Mapped[str] = mapped_column(ForeignKey("decisions.id"))
    event_at: Mapped[datetime]
    rule: Mapped[str]
    part: Mapped[str]
    formula: Mapped[str]
    amount_precise: Mapped[Decimal]
    amount: Mapped[Decimal]
    corrects: Mapped[str | None]


class Posting(Base):
    """One posting: what was missing from a statement at that time, in which accounting period it is booked, and what is to
    be paid of it.

    Each posting goes on where the one before it under its contract has ended: what that one left below zero comes first.
    """

    __tablename__ = "postings"
    __table_args__ = (
        UniqueConstraint("statement_id", "number"),
        CheckConstraint("brought_forward + amount = to_pay + carried_forward", name="balance"),
        CheckConstraint(
            "brought_forward <= 0 AND carried_forward <= 0 AND to_pay >= 0 AND (to_pay = 0 OR carried_forward = 0)",
            name="never_paid_below_zero",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    # None: posted before runs were looked at first.
    run_id: Mapped[str | None] = mapped_column(ForeignKey("billing_runs.id"))
    number: Mapped[int]
    accounting_period: Mapped[str]
    posted_by: Mapped[str]
    posted_at: Mapped[datetime]
    lines: Mapped[int]
    amount: Mapped[Decimal]
    # Whatever the clocks of servers say, this is their order under a contract.
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    brought_forward: Mapped[Decimal]
    to_pay: Mapped[Decimal]
    carried_forward: Mapped[Decimal]


class StatementLine(Base):
    """Money: a conversion × rule × part, or a rule × part of a day's deliveries.

    `corrects` names the line whose amount this one changes.
    """

    __tablename__ = "statement_lines"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_is_not_zero"),
        CheckConstraint("(conversion_id IS NULL) = (delivered_on IS NOT NULL)", name="of_one_subject"),
        Index("ix_statement_lines_statement", "statement_id", "position"),
        Index("ix_statement_lines_conversion", "conversion_id"),
    )

    # Derived from its statement, its subject, rule and part, and how many lines these have had: nothing is posted twice.
    id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    posting_id: Mapped[str] = mapped_column(ForeignKey("postings.id"))
    conversion_id: Mapped[str | None]
    delivered_on: Mapped[date | None]
    decision_id: Mapped[str] = mapped_column(ForeignKey("decisions.id"))
    event_at: Mapped[datetime]
    rule: Mapped[str]
    # Which of the rule's lines of the decision it is; its own has no name.
    part: Mapped[str]
    formula: Mapped[str]
    amount_precise: Mapped[Decimal]
    amount: Mapped[Decimal]
    corrects: Mapped[str | None] = mapped_column(ForeignKey("statement_lines.id"))


class AccrualLine(Base):
    """What is rated and cannot be paid yet: booked as accrued, and taken back when it becomes a statement line, or nothing."""

    __tablename__ = "accrual_lines"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_is_not_zero"),
        CheckConstraint("(conversion_id IS NULL) = (delivered_on IS NOT NULL)", name="of_one_subject"),
        Index("ix_accrual_lines_statement", "statement_id", "position"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    posting_id: Mapped[str] = mapped_column(ForeignKey("postings.id"))
    conversion_id: Mapped[str | None]
    delivered_on: Mapped[date | None]
    decision_id: Mapped[str] = mapped_column(ForeignKey("decisions.id"))
    event_at: Mapped[datetime]
    rule: Mapped[str]
    part: Mapped[str]
    formula: Mapped[str]
    amount: Mapped[Decimal]


class AccountingClosing(Base):
    """A program's books are closed up to and with a month: nothing is booked there any more."""

    __tablename__ = "accounting_closings"

    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    closed_by: Mapped[str]
    closed_at: Mapped[datetime]
