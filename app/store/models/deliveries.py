"""Deliveries as their sources counted them, what was agreed afterwards, and the days that wait for a decision."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base

ADJUSTMENT_KINDS = ("make_good", "credit")


class Delivery(Base):
    """What one source counted of one placement on one local day, in one revision. It never changes; a higher revision
    counts instead."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint(
            "contract_id", "delivered_on", "placement", "source", "revision", name="uq_deliveries_revision"
        ),
        CheckConstraint("revision >= 1", name="revision"),
    )

    # Derived from contract, day, placement, source and revision.
    id: Mapped[str] = mapped_column(primary_key=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"))
    delivered_on: Mapped[date]
    placement: Mapped[str]
    source: Mapped[str]
    revision: Mapped[int]
    facts: Mapped[dict[str, Any]]
    body_hash: Mapped[str]
    recorded_at: Mapped[datetime]


class DeliveryAdjustment(Base):
    """Impressions that make good for others, or money back: booked on a day, for a day that it repairs. It never
    changes."""

    __tablename__ = "delivery_adjustments"
    __table_args__ = (
        CheckConstraint(f"kind IN {ADJUSTMENT_KINDS}", name="kind"),
        CheckConstraint("repairs_on <= delivered_on", name="repairs_what_was"),
        Index("ix_delivery_adjustments_day", "contract_id", "delivered_on"),
    )

    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    delivered_on: Mapped[date]
    repairs_on: Mapped[date]
    placement: Mapped[str | None]
    # Impressions and their price, or an amount; decimals as text.
    terms: Mapped[dict[str, Any]]
    reason: Mapped[str]
    body_hash: Mapped[str]
    recorded_at: Mapped[datetime]


class UnsettledDay(Base):
    """The work list of settling for deliveries: days whose counts, terms or time have changed since their decision. It is
    not worked on before it is due."""

    __tablename__ = "unsettled_days"
    __table_args__ = (Index("ix_unsettled_days_program", "program_id", "due_at"),)

    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    delivered_on: Mapped[date] = mapped_column(primary_key=True)
    program_id: Mapped[str]
    due_at: Mapped[datetime]
