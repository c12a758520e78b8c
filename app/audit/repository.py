"""Every query of the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.audit.verification import Head, Row
from app.store.models import AuditEvent, AuditHead

MAX_SEQ = 2**63 - 1
# One statement sees one state: head and events fit each other, whatever is appended meanwhile. The head is the row
# without an actor: what an event's column cannot hold, unless somebody took its constraints away, is made empty.
_WALK = """COPY (
  SELECT seq, installation, hash, NULL::timestamptz, NULL::text, NULL::text, NULL::text
  FROM (SELECT * FROM audit_head WHERE id = 1) AS head
  UNION ALL
  SELECT coalesce(seq, 0), coalesce(body, ''), coalesce(hash, ''), coalesce(at, '-infinity'),
         coalesce(actor, ''), coalesce(action, ''), coalesce(subject, '')
  FROM (SELECT * FROM audit_events ORDER BY seq) AS events
) TO STDOUT (FORMAT BINARY)"""
# Read as they come over the wire: texts as bytes, an instant as its microseconds.
_AS = ("int8", "bytea", "bytea", "int8", "bytea", "bytea", "bytea")


@dataclass(frozen=True, slots=True)
class Sought:
    """Which events are asked for; what is None is not asked."""

    subject: str | None = None
    subject_prefix: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None


def current_head(session: Session, *, lock: bool = False) -> Head:
    """Return where the chain ends. With `lock`, let nobody else append until this transaction ends."""
    query = select(AuditHead.installation, AuditHead.seq, AuditHead.hash)
    return Head(*session.execute(query.with_for_update() if lock else query).one())


def head_place(session: Session) -> int | None:
    """Return how many events there should be, to show how far a walk has come; None when nothing says it."""
    return session.scalar(select(AuditHead.seq))


def add_events(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Append events whose bodies and hashes continue the chain; the database refuses others, and moves the head."""
    session.execute(insert(AuditEvent).values(list(rows)))


def events_before(session: Session, sought: Sought, seq: int | None, limit: int) -> Sequence[AuditEvent]:
    """Return the newest events that are asked for, before a place in the chain."""
    query = select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(limit)
    if seq is not None:
        query = query.where(AuditEvent.seq < min(seq, MAX_SEQ))
    if sought.subject_prefix is not None:
        query = query.where(AuditEvent.subject.startswith(sought.subject_prefix, autoescape=True))
    for column in ("subject", "actor", "action"):
        if (wanted := getattr(sought, column)) is not None:
            query = query.where(getattr(AuditEvent, column) == wanted)
    if sought.since is not None:
        query = query.where(AuditEvent.at >= sought.since)
    if sought.until is not None:
        query = query.where(AuditEvent.at < sought.until)
    if sought.as_of is not None:
        query = query.where(AuditEvent.at <= sought.as_of)
    return session.scalars(query).all()


def walked(session: Session) -> Iterator[Row | Head]:
    """Yield the head and then all events in order of their place: all of one state, none kept in memory."""
    driver = session.connection().connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        # Several processes would read the two parts in any order.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        with cursor.copy(_WALK) as copy:
            copy.set_types(_AS)
            rows = copy.rows()
            for first in rows:
                seq, installation, hashed, at, *_ = first
                yield first if at is not None else Head(installation.decode(), seq, hashed)
                break
            yield from rows
