"""Exchange rates as they were recorded."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base


class ExchangeRate(Base):
    """What one unit of a currency was worth in another on a day, as somebody recorded it. It never changes; the one with
    the greatest number counts, and those before it are how it was known until then."""

    __tablename__ = "exchange_rates"
    __table_args__ = (
        CheckConstraint("source <> target", name="two_currencies"),
        CheckConstraint("rate > 0", name="rate"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("number = 1 OR reason IS NOT NULL", name="corrected_with_a_reason"),
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    rate: Mapped[Decimal]
    # Who published it.
    said_by: Mapped[str]
    # Why it was corrected; the first one of a day needs none.
    reason: Mapped[str | None]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
