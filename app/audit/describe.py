"""The audit trail as data, for the API and the commands."""

from __future__ import annotations

from typing import Any

from app.audit.verification import Head, Verified
from app.store.models import AuditEvent


def event_data(event: AuditEvent) -> dict[str, Any]:
    """Return an event as it is in its body, with its hash."""
    return {"reason": None, "request": None, "before": None, "after": None, **event.content, "hash": event.hash.hex()}


def head_data(head: Head) -> dict[str, Any]:
    """Return where the chain ends."""
    return {"installation": head.installation, "seq": head.seq, "hash": head.hash.hex()}


def verified_data(verified: Verified) -> dict[str, Any]:
    """Return what a walk along the chain found."""
    return {
        "ok": verified.is_whole,
        "installation": verified.installation,
        "events": verified.events,
        "seq": verified.seq,
        "hash": verified.hash.hex() or None,
        "breaks": [
            {
                "kind": found.kind,
                "seq": found.seq,
                "message": found.message,
                "expected": found.expected,
                "found": found.found,
            }
            for found in verified.breaks
        ],
        "break_count": verified.count,
    }
