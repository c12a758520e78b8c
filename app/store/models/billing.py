"""Statements, their lines, and the runs that posted them. Lines are only ever added."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base


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
    """One posting: what was missing from a statement at that time, and what is to be paid of it.

    Each run goes on where the one before it under its contract has ended: what that one left below zero comes first.
    """

    __tablename__ = "billing_runs"
    __table_args__ = (
        CheckConstraint("brought_forward + amount = to_pay + carried_forward", name="balance"),
        CheckConstraint(
            "brought_forward <= 0 AND carried_forward <= 0 AND to_pay >= 0 AND (to_pay = 0 OR carried_forward = 0)",
            name="never_paid_below_zero",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    number: Mapped[int]
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
    """Money: a conversion × rule × part. `corrects` names the line whose amount this one changes."""

    __tablename__ = "statement_lines"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_is_not_zero"),
        Index("ix_statement_lines_statement", "statement_id", "position"),
        Index("ix_statement_lines_conversion", "conversion_id"),
    )

    # Derived from contract, conversion, rule and decision: the same difference cannot be posted twice.
    id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("billing_runs.id"))
    conversion_id: Mapped[str]
    decision_id: Mapped[str] = mapped_column(ForeignKey("decisions.id"))
    event_at: Mapped[datetime]
    rule: Mapped[str]
    # Which of the rule's lines of the decision it is; its own has no name.
    part: Mapped[str]
    formula: Mapped[str]
    amount_precise: Mapped[Decimal]
    amount: Mapped[Decimal]
    corrects: Mapped[str | None] = mapped_column(ForeignKey("statement_lines.id"))
