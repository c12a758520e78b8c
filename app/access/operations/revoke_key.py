"""Revoke a key, or one of its secrets."""

from __future__ import annotations

from app.access.errors import KeyNotFound
from app.access.repository import key_known, secrets_of
from app.audit.record import record
from app.runtime import Context
from app.store.models import ApiKey


def revoke_key(ctx: Context, *, key: str, prefix: str | None = None) -> ApiKey:
    """End a key for good, or only its secret of this prefix, from the next request on. Doing it again changes nothing."""
    row = key_known(ctx.session, key, lock=True)
    secrets = [secret for secret in secrets_of(ctx.session, [row]) if prefix in (None, secret.prefix)]
    if prefix is not None and not secrets:
        raise KeyNotFound(f"The key {row.name!r} has no secret {prefix!r}.")
    ending = [secret for secret in secrets if secret.revoked_at is None]
    for secret in ending:
        secret.slot, secret.revoked_at = None, ctx.now()
    is_whole = prefix is None and row.revoked_at is None
    if is_whole:
        row.revoked_at = ctx.now()
    if is_whole or ending:
        summary = f"Key {row.name} revoked" if prefix is None else f"Secret {prefix} of key {row.name} revoked"
        record(ctx, "api_key.revoked", row.id, summary, after={"prefixes": [secret.prefix for secret in ending]})
    ctx.session.flush()
    return row
