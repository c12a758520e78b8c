"""What workers say of the jobs they run. The jobs themselves are in the tables of the library that keeps the queue."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base


class JobReport(Base):
    """Who ran a job last, since when, and why it failed. `job_id` is the queue's number of it."""

    __tablename__ = "job_reports"
    __table_args__ = (
        CheckConstraint(
            "(failed_at IS NULL) = (fault IS NULL) AND (fault IS NULL) = (message IS NULL)", name="failed_is_why"
        ),
    )

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    worker: Mapped[str]
    started_at: Mapped[datetime]
    failed_at: Mapped[datetime | None]
    fault: Mapped[str | None]
    message: Mapped[str | None]
