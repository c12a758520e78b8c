"""Partners and programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base


class Partner(Base):
    """The other party of contracts."""

    __tablename__ = "partners"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class Program(Base):
    """An advertiser's programme: currency, time zone and attribution model."""

    __tablename__ = "programs"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    currency: Mapped[str]
    timezone: Mapped[str]
    attribution: Mapped[dict[str, Any]]
    # What its conversions carry besides the facts that are shipped: declarations by name, only ever added to.
    facts: Mapped[dict[str, Any]]
    # When it declared those that it did not have from the start: instants by name.
    facts_declared_at: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class AttributionModel(Base):
    """How a program finds who gets the credit, from an instant on. It never changes. The first one stands with the
    program."""

    __tablename__ = "attribution_models"
    __table_args__ = (CheckConstraint("number >= 2", name="number"),)

    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    effective_from: Mapped[datetime]
    model: Mapped[dict[str, Any]]
    hash: Mapped[str]
    created_by: Mapped[str]
    recorded_at: Mapped[datetime]
