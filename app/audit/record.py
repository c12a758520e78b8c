"""Noting what happened. It is chained to what happened before by `append.py`, when the unit of work ends."""

from __future__ import annotations

from typing import Any

from app.audit.append import append_events
from app.audit.chain import unplaced
from app.core.instants import write_instant
from app.runtime import Context
from app.store.last_writes import write_last


def record(
    ctx: Context,
    action: str,
    subject: str,
    summary: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Note a change of state: it is kept if and only if the change is.

    `action` is a verb in the past ("contract_version.approved"), `subject` the id of what changed, `reason` why, in
    the words of whoever did it. `before` and `after` are JSON data; they are kept as they are now.
    """
    event: dict[str, Any] = {
        "at": write_instant(ctx.now()),
        "actor": ctx.actor,
        "action": action,
        "subject": subject,
        "summary": summary,
        "reason": reason,
        "before": before,
        "after": after,
    }
    if ctx.request is not None:
        event["request"] = ctx.request
    write_last(ctx.session, append_events, unplaced(event))
