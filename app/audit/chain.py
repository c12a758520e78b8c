"""The form of an event and the hash that ties it to the one before. Where events are kept is not known here.

hash = SHA-256("termline/audit/1" 00 ‖ hash of the event before ‖ body). Before the first event stands the hash of the
installation's id, so that the events of one installation do not fit another.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from app.core.canonical import canonical_bytes

EVENT, GENESIS = b"termline/audit/1\0", b"termline/audit/1/genesis\0"


def genesis(installation: str) -> bytes:
    """Return what the first event of an installation follows."""
    return hashlib.sha256(GENESIS + installation.encode()).digest()


class Unplaced(NamedTuple):
    """An event in its canonical form, all but its place: what stands before the number and what stands after it."""

    before: bytes
    after: bytes

    def body(self, seq: int) -> bytes:
        """Return the bytes that are hashed, at a place in the chain."""
        return b"%b%d%b" % (self.before, seq, self.after)


def unplaced(event: dict[str, Any]) -> Unplaced:
    """Return an event in its canonical form, so that little is left to do while others wait for the head.

    >>> unplaced({"action": "a", "summary": "s"}).body(12)
    b'{"action":"a","seq":12,"summary":"s"}'
    """
    # Its own seq is the last: subject and summary, which come after it, are texts, and have no bare quotes in them.
    before, seq, after = canonical_bytes({**event, "seq": 0}).rpartition(b'"seq":0')
    return Unplaced(before + seq[:-1], after)


def event_body(seq: int, event: dict[str, Any]) -> bytes:
    """Return an event at a place in the chain as the bytes that are hashed."""
    return unplaced(event).body(seq)


def event_hash(previous: bytes, body: bytes) -> bytes:
    """Return the hash of an event that follows another one."""
    return hashlib.sha256(EVENT + previous + body).digest()
