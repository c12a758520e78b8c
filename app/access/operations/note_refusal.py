"""Note in the audit trail that somebody was refused."""

from __future__ import annotations

from app.access.repository import mark_minute
from app.audit.record import record
from app.core.errors import AppError
from app.runtime import Context


def note_refusal(
    ctx: Context, refusal: AppError, *, operation: str, path: str, key: str | None = None, role: str | None = None
) -> None:
    """Note a refusal: every one of a caller whose key is good, and one a minute of a secret that is not.

    A secret that was revoked, has ended or is wrong can be sent by anybody, as often as they like: they shall not fill
    the table. What names no key of ours is not noted at all; the log has it.
    """
    if refusal.kind == "unauthenticated":
        prefix, key = refusal.details.get("prefix"), refusal.details.get("key")
        minute = ctx.now().replace(second=0, microsecond=0)
        if prefix is None or not mark_minute(ctx.session, prefix, "refused_at", minute):
            return
    reason = refusal.details.get("because", refusal.message)
    after = {"operation": operation, "path": path, "code": refusal.code, "reason": reason}
    known = {"role": role, "prefix": refusal.details.get("prefix")}
    after |= {name: value for name, value in known.items() if value is not None}
    record(ctx, "access.refused", str(key), f"{ctx.actor} refused {operation}: {refusal.code}", after=after)
