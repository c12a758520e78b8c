"""Requests that were done, by the key their caller gave them, with the answer they got."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base


class IdempotencyKey(Base):
    """One request that was done. It is written in the transaction of the work, so that there is both or neither."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 255", name="key"),
        CheckConstraint("status BETWEEN 200 AND 299", name="status"),
        Index("ix_idempotency_keys_created_at", "created_at"),
    )

    actor: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]  # method and path, for whoever looks into it
    payload_hash: Mapped[str]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)  # compressed
    created_at: Mapped[datetime]
