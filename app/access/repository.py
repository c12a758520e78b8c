"""Every query of the access room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.access.errors import KeyNotFound
from app.store.models import ApiKey, ApiKeySecret, InstallationSecret, Partner


def secret_of_prefix(session: Session, prefix: str) -> tuple[ApiKey, ApiKeySecret] | None:
    """Return the secret of this prefix and its key, as they are now, or None."""
    return _with_key(session, ApiKeySecret.prefix == prefix)


def secret_of_hash(session: Session, algorithm: str, stored: str) -> tuple[ApiKey, ApiKeySecret] | None:
    """Return the secret with this hash and its key, or None."""
    return _with_key(session, (ApiKeySecret.algorithm == algorithm) & (ApiKeySecret.hash == stored))


def _with_key(session: Session, condition: ColumnElement[bool]) -> tuple[ApiKey, ApiKeySecret] | None:
    query = select(ApiKey, ApiKeySecret).join(ApiKeySecret, ApiKeySecret.key_id == ApiKey.id)
    row = session.execute(query.where(condition)).one_or_none()
    return None if row is None else (row[0], row[1])


def key_by_name(session: Session, name: str) -> ApiKey | None:
    """Return the key of this name, or None."""
    return session.scalar(select(ApiKey).where(ApiKey.name == name))


def key_known(session: Session, key_id: str, *, lock: bool = False) -> ApiKey:
    """Return a key or refuse. With `lock`, wait until nobody else is changing its secrets."""
    key = session.get(ApiKey, key_id, with_for_update={"key_share": True} if lock else None, populate_existing=lock)
    if key is None:
        raise KeyNotFound(f"There is no API key {key_id!r}. GET /v1/api-keys lists them.")
    return key


def key_named(session: Session, name: str) -> ApiKey:
    """Return the key of this name or refuse."""
    key = key_by_name(session, name)
    if key is None:
        raise KeyNotFound(f"There is no API key named {name!r}. `termline key list` lists them.")
    return key


def keys_after(session: Session, after: str | None, limit: int | None) -> Sequence[ApiKey]:
    """Return keys in order of id, from behind a cursor."""
    query = select(ApiKey).order_by(ApiKey.id).limit(limit)
    return session.scalars(query if after is None else query.where(ApiKey.id > after)).all()


def secrets_of(session: Session, keys: Sequence[ApiKey]) -> Sequence[ApiKeySecret]:
    """Return all secrets of some keys, the oldest first."""
    ids = [key.id for key in keys]
    query = select(ApiKeySecret).where(ApiKeySecret.key_id.in_(ids)).execution_options(populate_existing=True)
    return session.scalars(query.order_by(ApiKeySecret.created_at, ApiKeySecret.prefix)).all()


def add_secret(session: Session, row: dict[str, object]) -> bool:
    """Add a secret; tell whether its prefix was free."""
    statement = insert(ApiKeySecret).values(row).on_conflict_do_nothing(index_elements=["prefix"])
    return session.scalar(statement.returning(ApiKeySecret.prefix)) is not None


def mark_minute(session: Session, prefix: str, column: Literal["last_used_at", "refused_at"], minute: datetime) -> bool:
    """Note that something happened to a secret in a minute; tell whether it is the first time in it.

    Who finds the row held by somebody else goes on: they note the same.
    """
    marked = getattr(ApiKeySecret, column)
    due = select(ApiKeySecret.prefix).where(ApiKeySecret.prefix == prefix, or_(marked.is_(None), marked < minute))
    statement = update(ApiKeySecret).where(ApiKeySecret.prefix.in_(due.with_for_update(skip_locked=True)))
    done = session.execute(
        statement.values({column: minute}).returning(ApiKeySecret.prefix),
        execution_options={"synchronize_session": False},
    )
    return done.one_or_none() is not None


def installation_secret(session: Session, name: str, value: str | None = None, at: datetime | None = None) -> str:
    """Return what the installation made for itself under a name, or ""; with a value it is kept if there is none yet."""
    query = select(InstallationSecret.value).where(InstallationSecret.name == name)
    found = session.scalar(query)
    if found is None and value is not None:
        row = {"name": name, "value": value, "created_at": at}
        session.execute(insert(InstallationSecret).values(row).on_conflict_do_nothing())
        found = session.scalar(query)
    return found or ""


def is_partner(session: Session, partner_id: str) -> bool:
    """Tell whether there is a partner of this id."""
    return session.get(Partner, partner_id) is not None
