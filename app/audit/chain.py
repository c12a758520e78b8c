"""The form of an event and the hash that ties it to the one before. Where events are kept is not known here.

hash = SHA-256("termline/audit/1" 00 ‖ hash of the event before ‖ body). Before the first event stands the hash of the
installation's id, so that the events of one installation do not fit another.
"""

from __future__ import annotations

import hashlib
from typing import Any

from app.core.canonical import canonical_bytes

EVENT, GENESIS = b"termline/audit/1\0", b"termline/audit/1/genesis\0"


def genesis(installation: str) -> bytes:
    """Return what the first event of an installation follows."""
    return hashlib.sha256(GENESIS + installation.encode()).digest()


def event_body(seq: int, event: dict[str, Any]) -> bytes:
    """Return an event with its place in the chain as the bytes that are hashed."""
    return canonical_bytes({"seq": seq, **event})


def event_hash(previous: bytes, body: bytes) -> bytes:
    """Return the hash of an event that follows another one."""
    return hashlib.sha256(EVENT + previous + body).digest()
