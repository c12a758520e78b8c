"""Every query of the access room."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.store.models import ApiKey


def key_by_hash(session: Session, key_hash: str) -> ApiKey | None:
    """Return the key with this hash, or None."""
    return session.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash))


def key_by_name(session: Session, name: str) -> ApiKey | None:
    """Return the key of this name, or None."""
    return session.scalar(select(ApiKey).where(ApiKey.name == name))
