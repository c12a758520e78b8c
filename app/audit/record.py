"""Writing one audit event. Reading them back is not here."""

from __future__ import annotations

from typing import Any

from app.runtime import Context
from app.store.models import AuditEvent


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

    `action` is a verb in the past ("contract_version.approved"), `subject` the id of what changed.
    """
    ctx.session.add(
        AuditEvent(
            at=ctx.now(),
            actor=ctx.actor,
            action=action,
            subject=subject,
            summary=summary,
            before=before,
            after=after,
        )
    )
