"""Named lists that rules take values from, and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base


class NamedList(Base):
    """A list by its name. What it holds is in its versions."""

    __tablename__ = "named_lists"
    __table_args__ = (CheckConstraint("type IN ('text', 'integer', 'decimal', 'date')", name="type"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    description: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class ListVersion(Base):
    """The members of a list from an instant on. It never changes; rules are pinned to one by number and hash."""

    __tablename__ = "list_versions"
    __table_args__ = (
        CheckConstraint("jsonb_array_length(members) BETWEEN 1 AND 10000", name="members"),
        CheckConstraint("number >= 1", name="number"),
    )

    list_id: Mapped[str] = mapped_column(ForeignKey("named_lists.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str]
    members: Mapped[list[Any]] = mapped_column(JSONB)
    created_by: Mapped[str]
    created_at: Mapped[datetime]
