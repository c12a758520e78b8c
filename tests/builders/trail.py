"""The audit trail as a test sees it, the events of its own unit of work among it."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, select

from app.runtime import Context
from app.store.last_writes import write_waiting
from app.store.models import AuditEvent


def events(ctx: Context, **wanted: Any) -> list[AuditEvent]:
    """Return events in their order; those of the present unit of work are written first, as committing would do."""
    write_waiting(ctx.session)
    return list(ctx.session.scalars(select(AuditEvent).filter_by(**wanted).order_by(AuditEvent.seq)))


def noted(connection: Connection, action: str | None = None, since: int = 0) -> list[dict[str, Any]]:
    """Return what is in the trail behind a place, as data, in its order."""
    query = select(AuditEvent.body).where(AuditEvent.seq > since).order_by(AuditEvent.seq)
    query = query if action is None else query.where(AuditEvent.action == action)
    return [orjson.loads(body) for body in connection.scalars(query)]
