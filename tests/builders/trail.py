"""The audit trail as a test sees it, the events of its own unit of work among it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.runtime import Context
from app.store.last_writes import write_waiting
from app.store.models import AuditEvent


def events(ctx: Context, **wanted: Any) -> list[AuditEvent]:
    """Return events in their order; those of the present unit of work are written first, as committing would do."""
    write_waiting(ctx.session)
    return list(ctx.session.scalars(select(AuditEvent).filter_by(**wanted).order_by(AuditEvent.seq)))
