"""API keys as data for people and programs. No hash is in it, and a secret only where it was just made. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.core.instants import write_instant
from app.store.models import ApiKey, ApiKeySecret


def key_data(key: ApiKey, secrets: Iterable[ApiKeySecret], now: datetime) -> dict[str, Any]:
    """Return a key with its secrets, the oldest first."""
    own = [secret for secret in secrets if secret.key_id == key.id]
    used = max((secret.last_used_at for secret in own if secret.last_used_at is not None), default=None)
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "partner": key.partner_id,
        "scopes": key.scopes,
        "created_by": key.created_by,
        "created_at": write_instant(key.created_at),
        "expires_at": _optional(key.expires_at),
        "revoked_at": _optional(key.revoked_at),
        "last_used_at": _optional(used),
        "secrets": [_secret_data(key, secret, now) for secret in own],
    }


def _secret_data(key: ApiKey, secret: ApiKeySecret, now: datetime) -> dict[str, Any]:
    ends = [end for end in (key.expires_at, secret.ends_at) if end is not None]
    is_revoked = key.revoked_at is not None or secret.revoked_at is not None
    return {
        "prefix": secret.prefix,
        "live": not is_revoked and all(now < end for end in ends),
        "created_at": write_instant(secret.created_at),
        "ends_at": _optional(min(ends, default=None)),
        "revoked_at": _optional(secret.revoked_at),
        "last_used_at": _optional(secret.last_used_at),
    }


def _optional(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)
