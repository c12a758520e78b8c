"""Partners and programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
