"""Requests that were done under a key: claimed, looked up, kept, and forgotten after their time."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.store.models import IdempotencyKey


def claim(session: Session, actor: str, key: str) -> bool:
    """Claim an actor's key until this transaction ends; False when another one has it.

    Whatever ends the transaction, a lost connection too, gives the key back.
    """
    digest = hashlib.sha256(f"idempotency\x1f{actor}\x1f{key}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(number))))


def done_under(session: Session, actor: str, key: str, since: datetime) -> IdempotencyKey | None:
    """Return what an actor did under a key at `since` or later. Ask with the key claimed."""
    return session.scalar(
        select(IdempotencyKey).filter_by(actor=actor, key=key).where(IdempotencyKey.created_at >= since)
    )


def keep(session: Session, **done: Any) -> None:
    """Keep what was done, in place of what was done under the same key before its time was over."""
    written = insert(IdempotencyKey).values(**done)
    session.execute(written.on_conflict_do_update(index_elements=["actor", "key"], set_=done))


def forget(session: Session, before: datetime, most: int) -> None:
    """Delete up to so many of those done before an instant, the oldest first; those that others are at are left."""
    table = IdempotencyKey
    old = select(table.actor, table.key).where(table.created_at < before).order_by(table.created_at).limit(most)
    session.execute(
        delete(table)
        .where(tuple_(table.actor, table.key).in_(old.with_for_update(skip_locked=True)))
        .execution_options(synchronize_session=False)
    )
