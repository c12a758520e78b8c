"""Give a key a secret. Which of its secrets are live is the callers' business."""

from __future__ import annotations

from app.access.peppers import HMAC, hashed, name_of, pepper_for_new
from app.access.repository import add_secret
from app.access.secret import Secret, new_secret
from app.core.errors import AppError
from app.runtime import Context
from app.store.models import ApiKey

TRIES = 20  # two prefixes in 2.8 million million are rarely the same


def issue_secret(ctx: Context, key: ApiKey, *, slot: int) -> Secret:
    """Return a new secret in a free slot of a key, with a prefix that no other secret has."""
    pepper = pepper_for_new(ctx)
    for _ in range(TRIES):
        secret = new_secret()
        row = {
            "prefix": secret.prefix,
            "key_id": key.id,
            "slot": slot,
            "algorithm": HMAC,
            "pepper": name_of(pepper),
            "hash": hashed(secret.text, pepper),
            "created_at": ctx.now(),
        }
        if add_secret(ctx.session, row):
            return secret
    raise AppError(f"{TRIES} prefixes drawn by chance are all taken: what draws them is broken.")
