"""Addresses of the audit room. They only read: events are written by what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.audit.describe import event_data, head_data
from app.audit.repository import Sought, current_head, events_before
from app.audit.schemas import EventShown, EventsQuery, HeadShown
from app.core.as_of import read_as_of
from app.runtime import Context
from app.web.blueprint import Room
from app.web.pagination import Page

routes = Room("audit", __name__, "The audit trail: who did what, when and why, chained by hash.")


@routes.lists(
    "/audit-events", needs="audit", query=EventsQuery, shows=EventShown, cursor=lambda event: (str(event["seq"]),)
)
def list_audit_events(
    ctx: Context, page: Page, as_of: datetime | None = None, **sought: Any
) -> Sequence[dict[str, Any]]:
    """List audit events, the newest first.

    They are in the order in which they were committed. `at` is the instant of the work, which may have begun before
    that of an event before it. `from` and `until` are half-open.
    """
    asked = Sought(**sought, as_of=read_as_of(as_of, ctx.now()))
    before = page.after_number if page.after is not None else None
    return [event_data(event) for event in events_before(ctx.session, asked, before, page.fetch)]


@routes.reads("/audit-events/head", needs="audit", shows=HeadShown)
def show_audit_head(ctx: Context) -> dict[str, Any]:
    """Show where the chain of audit events ends.

    Whoever keeps seq and hash can tell later whether anything before them was changed. `termline audit checkpoint` signs
    them.
    """
    return head_data(current_head(ctx.session))
