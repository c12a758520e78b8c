"""The audit trail: a chain of events that only grows, and its head. How events are chained is the audit room's."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import BigInteger, CheckConstraint, Computed, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base


def _of_body(name: str) -> Computed:
    return Computed(f"((body)::jsonb ->> '{name}'::text)", persisted=True)


class AuditEvent(Base):
    """Who did what to which subject, when, why, and what changed.

    The event is its `body`, canonical JSON, and the hash that ties it to the event before. The other columns are
    there to be looked for: the database makes them from the body, so that they cannot say anything else.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        CheckConstraint("seq >= 1", name="seq"),
        CheckConstraint("length(hash) = 32", name="hash"),
        Index("ix_audit_events_subject", "subject", "seq"),
        Index("ix_audit_events_actor", "actor", "seq"),
        Index("ix_audit_events_action", "action", "seq"),
        Index("ix_audit_events_at", "at"),
    )

    seq: Mapped[int] = mapped_column(
        BigInteger,
        Computed("(((body)::jsonb ->> 'seq'::text))::bigint", persisted=True),
        primary_key=True,
        autoincrement=False,
    )
    body: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(
        Computed("audit_instant(((body)::jsonb ->> 'at'::text))", persisted=True), nullable=False
    )
    actor: Mapped[str] = mapped_column(_of_body("actor"), nullable=False)
    action: Mapped[str] = mapped_column(_of_body("action"), nullable=False)
    subject: Mapped[str] = mapped_column(_of_body("subject"), nullable=False)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The whole event as data."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def summary(self) -> str:
        """What happened, in one line."""
        return str(self.content["summary"])

    @property
    def reason(self) -> str | None:
        """Why, in the words of whoever did it."""
        return self.content.get("reason")

    @property
    def before(self) -> dict[str, Any] | None:
        """What it was."""
        return self.content.get("before")

    @property
    def after(self) -> dict[str, Any] | None:
        """What it is."""
        return self.content.get("after")


class AuditHead(Base):
    """Where the chain ends, and whose it is. The database moves it along with the events and not otherwise."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), CheckConstraint("length(hash) = 32", name="hash"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    installation: Mapped[str]
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
