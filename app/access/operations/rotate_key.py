"""Give a key a second secret, and its first one an end."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.access.errors import KeyHasEnded, KeyRefused, TwoSecretsLive
from app.access.operations.issue_secret import issue_secret
from app.access.repository import key_known, secrets_of
from app.audit.record import record
from app.core.errors import Finding
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import ApiKey, ApiKeySecret

OVERLAP = timedelta(days=7)


def rotate_key(ctx: Context, *, key: str, old_ends_at: datetime | None = None) -> tuple[ApiKey, str]:
    """Return a key with a new secret, shown this once. Its former secret works until `old_ends_at`, 7 days by default.

    Name and role stay, so whoever wrote a draft with the old secret cannot approve it with the new one. A key never has
    three live secrets: the lock sees to it here, and the two slots do in the database.
    """
    row = key_known(ctx.session, key, lock=True)
    now = ctx.now()
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise KeyHasEnded(f"The key {row.name!r} is revoked or has expired. Create a new one.")
    ends_at = _end(old_ends_at, now)
    live = _live(ctx, row, now)
    if len(live) > 1:
        until = min((secret.ends_at for secret in live if secret.ends_at is not None), default=None)
        raise TwoSecretsLive(
            f"The key {row.name!r} has two live secrets, {live[0].prefix} and {live[1].prefix}. Revoke one"
            + (f", or wait until {write_instant(until)}." if until else ".")
        )
    for old in live:
        old.ends_at = ends_at if old.ends_at is None else min(old.ends_at, ends_at)
    ctx.session.flush()
    taken = {secret.slot for secret in live}
    secret = issue_secret(ctx, row, slot=next(slot for slot in (1, 2) if slot not in taken))
    ending = {old.prefix: write_instant(old.ends_at) for old in live if old.ends_at is not None}
    summary = f"Key {row.name} has a new secret {secret.prefix}"
    record(ctx, "api_key.rotated", row.id, summary, after={"prefix": secret.prefix, "ends_at": ending})
    ctx.session.flush()
    return row, secret.text


def _end(given: datetime | None, now: datetime) -> datetime:
    if given is not None and given <= now:
        message = f"{write_instant(given)} is not in the future"
        hint = "to end a secret at once, revoke it"
        raise KeyRefused(f"old_ends_at: {message}; {hint}.", [Finding("wrong_value", message, "/old_ends_at", hint)])
    return given or now + OVERLAP


def _live(ctx: Context, key: ApiKey, now: datetime) -> list[ApiKeySecret]:
    """Return the secrets that hold a slot and have not ended; those that have let go of theirs."""
    holding = [secret for secret in secrets_of(ctx.session, [key]) if secret.slot is not None]
    for secret in holding:
        if secret.ends_at is not None and secret.ends_at <= now:
            secret.slot = None
    return [secret for secret in holding if secret.slot is not None]
