"""Conversions as they were received, and the decisions on them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base

TOUCH_TYPES = ("click", "view")
REVERSAL_MODES = ("restate", "negate")
REVERSAL_FORMS = ("full", "amount", "items")
OUTCOMES = ("rated", "ineligible", "held", "unattributed", "no_contract")


class Conversion(Base):
    """A purchase, install or lead, exactly as it was sent. It never changes, but for what its facts say of it as they were
    corrected: whose order it is and which one."""

    __tablename__ = "conversions"
    __table_args__ = (
        Index("ix_conversions_customer", "program_id", "customer_id", "event_at", "id"),
        Index("ix_conversions_partner", "program_id", "partner", "event_at", "id"),
        Index("ix_conversions_order", "program_id", "order_id", "event_at", "id"),
    )

    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    event_at: Mapped[datetime]
    # When the sender received it, if it says so; `recorded_at` is when we did, and so what could be known of it.
    received_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    partner: Mapped[str | None]
    customer_id: Mapped[str | None]
    order_id: Mapped[str | None]
    # How often its facts were corrected: the number of the last correction.
    corrections: Mapped[int] = mapped_column(server_default=text("0"))
    facts: Mapped[dict[str, Any]]
    body_hash: Mapped[str]


class Correction(Base):
    """The facts of a conversion as they are from then on, why, and who says so. It never changes. Those of one conversion
    have numbers from 1 on."""

    __tablename__ = "corrections"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "conversion_id"], ["conversions.program_id", "conversions.id"]),
        CheckConstraint("number >= 1", name="number"),
    )

    # The conversion leads, as in decisions.
    conversion_id: Mapped[str] = mapped_column(primary_key=True)
    program_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    facts: Mapped[dict[str, Any]]
    facts_hash: Mapped[str]
    reason: Mapped[str]
    corrected_by: Mapped[str]
    recorded_at: Mapped[datetime]


class Touch(Base):
    """A click or a view of a partner's advertisement that was sent with a conversion. It never changes."""

    __tablename__ = "touches"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "conversion_id"], ["conversions.program_id", "conversions.id"]),
        CheckConstraint(f"type IN {TOUCH_TYPES}", name="type"),
        Index("ix_touches_partner", "program_id", "partner", "conversion_id"),
    )

    program_id: Mapped[str] = mapped_column(primary_key=True)
    conversion_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    partner: Mapped[str]
    type: Mapped[str]
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]


class Reversal(Base):
    """What came back of a conversion, all or a part. It never changes, and whether it came before the lock is kept: what
    it does to the decisions is fixed when it is recorded. Those of one conversion have numbers from 1 on."""

    __tablename__ = "reversals"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "conversion_id"], ["conversions.program_id", "conversions.id"]),
        # The conversion leads, as in decisions.
        UniqueConstraint("conversion_id", "program_id", "id"),
        CheckConstraint(f"mode IN {REVERSAL_MODES}", name="mode"),
        CheckConstraint(f"form IN {REVERSAL_FORMS}", name="form"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("value >= 0 AND value <= total AND total <= order_value", name="never_more_than_the_order"),
        CheckConstraint("form <> 'full' OR leaves_nothing", name="full_leaves_nothing"),
    )

    conversion_id: Mapped[str] = mapped_column(primary_key=True)
    program_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    # The sender's own id; the same id again is the same reversal.
    id: Mapped[str]
    reversed_at: Mapped[datetime]
    reason: Mapped[str]
    form: Mapped[str]
    mode: Mapped[str]
    # How much of the order value came back by it, and by it and all before it; a trigger adds them up.
    value: Mapped[Decimal]
    total: Mapped[Decimal]
    order_value: Mapped[Decimal]
    leaves_nothing: Mapped[bool]
    items: Mapped[list[Any]] = mapped_column(JSONB)
    body_hash: Mapped[str]
    recorded_at: Mapped[datetime]


class UnsettledConversion(Base):
    """The work list of settling: conversions that are new, or that depend on something newer than their decision.

    It repeats their place in canonical order, so that the work can be planned without reading them.
    """

    __tablename__ = "unsettled_conversions"

    conversion_id: Mapped[str] = mapped_column(primary_key=True)
    program_id: Mapped[str] = mapped_column(primary_key=True)
    partner: Mapped[str | None]
    event_at: Mapped[datetime]


class Decision(Base):
    """What the rules said of a conversion for one partner that it concerns, or that it concerns nobody. A later decision
    retires it; it never changes. All that are made of a conversion at once have one revision."""

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "conversion_id"], ["conversions.program_id", "conversions.id"]),
        # The conversion leads: programs are few, and a planner that does not know it yet would read them whole.
        UniqueConstraint("conversion_id", "program_id", "partner", "revision", postgresql_nulls_not_distinct=True),
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint("outcome = 'rated' OR amount = 0", name="only_rated_pays"),
        CheckConstraint("outcome <> 'rated' OR contract_version IS NOT NULL", name="rated_under_terms"),
        Index(
            "uq_decisions_current",
            "conversion_id",
            "program_id",
            "partner",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "ix_decisions_contract",
            "contract_id",
            "event_at",
            "conversion_id",
            postgresql_where=text("retired_at IS NULL"),
        ),
        Index(
            "ix_decisions_exchange",
            text("(record #>> '{fx,from}')"),
            text("(record #>> '{fx,to}')"),
            text("(record #>> '{fx,date}')"),
            postgresql_where=text("retired_at IS NULL AND (record -> 'fx') IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    program_id: Mapped[str]
    conversion_id: Mapped[str]
    partner: Mapped[str | None]
    revision: Mapped[int]
    contract_id: Mapped[str | None] = mapped_column(ForeignKey("contracts.id"))
    contract_version: Mapped[int | None]
    event_at: Mapped[datetime]
    outcome: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    customer_order_number: Mapped[int | None]
    # How many reversals of the conversion it knew.
    reversals: Mapped[int]
    # With which of its corrections it was made, and the conversion that its order was counted as, if it was another one.
    correction: Mapped[int] = mapped_column(server_default=text("0"))
    duplicate_of: Mapped[str | None]
    # From when on it may be paid and is final, as its terms agree; they never change, and so do these not.
    held_until: Mapped[datetime | None]
    locks_at: Mapped[datetime | None]
    # What the counters of its contract held before it, by name, and what it adds to them, by what they measure.
    before: Mapped[dict[str, Any]]
    adds: Mapped[dict[str, Any]]
    record: Mapped[dict[str, Any]]
    digest: Mapped[str]
    recorded_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
