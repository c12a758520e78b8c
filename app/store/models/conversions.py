"""Conversions as they were received, and the decisions on them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base

TOUCH_TYPES = ("click", "view")
OUTCOMES = ("rated", "ineligible", "held", "unattributed", "no_contract")


class Conversion(Base):
    """A purchase, install or lead, exactly as it was sent. It never changes."""

    __tablename__ = "conversions"
    __table_args__ = (
        Index("ix_conversions_customer", "program_id", "customer_id", "event_at", "id"),
        Index("ix_conversions_partner", "program_id", "partner", "event_at", "id"),
    )

    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    event_at: Mapped[datetime]
    # When the sender received it, if it says so; `recorded_at` is when we did, and so what could be known of it.
    received_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    partner: Mapped[str | None]
    customer_id: Mapped[str | None]
    facts: Mapped[dict[str, Any]]
    body_hash: Mapped[str]


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
    """What the rules said of a conversion for one partner that it concerns, or that it concerns nobody; or of a contract's
    deliveries of one local day. A later decision retires it; it never changes. All that are made of a conversion at once
    have one revision."""

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "conversion_id"], ["conversions.program_id", "conversions.id"]),
        # The conversion leads: programs are few, and a planner that does not know it yet would read them whole.
        UniqueConstraint(
            "conversion_id",
            "program_id",
            "partner",
            "delivered_on",
            "revision",
            name="uq_decisions_revision",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint("outcome = 'rated' OR amount = 0", name="only_rated_pays"),
        CheckConstraint("outcome <> 'rated' OR contract_version IS NOT NULL", name="rated_under_terms"),
        CheckConstraint("(conversion_id IS NULL) = (delivered_on IS NOT NULL)", name="of_one_subject"),
        CheckConstraint("delivered_on IS NULL OR contract_id IS NOT NULL", name="deliveries_of_a_contract"),
        Index(
            "uq_decisions_current",
            "conversion_id",
            "program_id",
            "partner",
            "delivered_on",
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
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    program_id: Mapped[str]
    # What it is about: a conversion, or the deliveries of a local day under its contract.
    conversion_id: Mapped[str | None]
    delivered_on: Mapped[date | None]
    partner: Mapped[str | None]
    revision: Mapped[int]
    contract_id: Mapped[str | None] = mapped_column(ForeignKey("contracts.id"))
    contract_version: Mapped[int | None]
    event_at: Mapped[datetime]
    outcome: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    customer_order_number: Mapped[int | None]
    # What the counters of its contract held before it, by name, and what it adds to them, by what they measure.
    before: Mapped[dict[str, Any]]
    adds: Mapped[dict[str, Any]]
    record: Mapped[dict[str, Any]]
    digest: Mapped[str]
    recorded_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
