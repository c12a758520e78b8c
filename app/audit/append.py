"""Putting the events of a unit of work at the end of the chain, in one go, as the last thing before it is committed.

Whoever appends holds the chain's head until the commit. Nothing is locked after that, so nobody waits for anybody in a
circle, and long work holds up nobody: it comes here when it is done.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.audit.chain import Unplaced, event_hash
from app.audit.repository import add_events, current_head

BATCH = 1_000


def append_events(session: Session, events: Sequence[Unplaced]) -> None:
    """Append events in the order in which they happened in this unit of work."""
    head = current_head(session, lock=True)
    seq, previous, rows = head.seq, head.hash, []
    for event in events:
        seq += 1
        body = event.body(seq)
        previous = event_hash(previous, body)
        rows.append({"body": body.decode(), "hash": previous})
    for start in range(0, len(rows), BATCH):
        add_events(session, rows[start : start + BATCH])
