"""Find out who calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.access.errors import KeyExpired, KeyMissing, KeyRevoked, KeyUnknown
from app.access.peppers import PLAIN, hash_of_earlier_release, hashed, is_same, pepper_named
from app.access.repository import mark_minute, secret_of_hash, secret_of_prefix
from app.access.secret import is_of_earlier_release, read_secret
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import ApiKey, ApiKeySecret

LONGEST = 200
NOT_KNOWN = "This API key is not known. Check that it is the whole key, or create a new one."


def authenticate(ctx: Context, authorization: str | None) -> tuple[ApiKey, ApiKeySecret]:
    """Return the key of an `Authorization: Bearer …` header and the secret that was used, or refuse.

    Details of a refusal name the prefix where there is one of ours, and never the secret.
    """
    scheme, _, text = (authorization or "").partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text:
        raise KeyMissing("Send an API key: `Authorization: Bearer tl_…`. `termline key create` makes one.")
    key, secret = _proved(ctx, text)
    check_live(key, secret, ctx.now())
    minute = ctx.now().replace(second=0, microsecond=0)
    if secret.last_used_at is None or secret.last_used_at < minute:
        mark_minute(ctx.session, secret.prefix, "last_used_at", minute)
    return key, secret


def check_live(key: ApiKey, secret: ApiKeySecret, now: datetime) -> None:
    """Refuse a secret that was revoked, or has ended: it counts up to its end and not at it."""
    known: dict[str, Any] = {"prefix": secret.prefix, "key": key.id, "name": key.name}
    if key.revoked_at is not None or secret.revoked_at is not None:
        raise KeyRevoked("This API key was revoked. Ask whoever gave it to you for another one.", **known)
    for end in (key.expires_at, secret.ends_at):
        if end is not None and end <= now:
            raise KeyExpired(f"This API key ended at {write_instant(end)}. Use its newer one, or ask for one.", **known)


def _proved(ctx: Context, text: str) -> tuple[ApiKey, ApiKeySecret]:
    """Return the key and secret that a text is the secret of, or refuse."""
    secret = read_secret(text) if len(text) <= LONGEST else None
    if secret is None:
        found = _of_earlier_release(ctx, text)
        if found is None:
            raise KeyUnknown(
                "This API key is not known: a character of it is off or missing. Copy the whole key again."
            )
        return found
    found = secret_of_prefix(ctx.session, secret.prefix)
    if found is None:
        raise KeyUnknown(NOT_KNOWN)
    key, stored = found
    known: dict[str, Any] = {"prefix": stored.prefix, "key": key.id}
    pepper = pepper_named(ctx, stored.pepper or "")
    if pepper is None:  # the caller is told nothing of it; the log and the audit trail are
        raise KeyUnknown(NOT_KNOWN, **known, because="the pepper this key was made with is not set")
    if not is_same(stored.hash, hashed(text, pepper)):
        raise KeyUnknown(NOT_KNOWN, **known, because="the secret is not that of the prefix")
    return key, stored


def _of_earlier_release(ctx: Context, text: str) -> tuple[ApiKey, ApiKeySecret] | None:
    if not is_of_earlier_release(text):
        return None
    return secret_of_hash(ctx.session, PLAIN, hash_of_earlier_release(text))
