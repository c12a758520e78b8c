"""What is stored of a secret: an HMAC, keyed with a pepper that is not beside it.

The pepper is the setting's; without one it is drawn once and kept in a table that partners cannot read. Each hash names
the pepper it was made with, so a pepper that is set later does not end the keys there are.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from app.access.repository import installation_secret
from app.core.ids import random_secret
from app.runtime import Context

NAME = "key_pepper"
HMAC, PLAIN = "hmac-sha256", "sha256"
# Peppers that were read from tables, by name: whatever database it was, the name is the pepper's.
_read: dict[str, str] = {}


def pepper_for_new(ctx: Context) -> str:
    """Return the pepper that new secrets are hashed with."""
    return ctx.key_pepper or installation_secret(ctx.session, NAME, random_secret(), ctx.now())


def pepper_named(ctx: Context, name: str) -> str | None:
    """Return the pepper of this name, or None when it is not known any more."""
    if ctx.key_pepper and name_of(ctx.key_pepper) == name:
        return ctx.key_pepper
    if name not in _read:
        kept = installation_secret(ctx.session, NAME)
        if not kept or name_of(kept) != name:
            return None
        _read[name] = kept
    return _read[name]


def name_of(pepper: str) -> str:
    """Return a pepper's name, from which it cannot be found out."""
    return hashed("termline: which pepper is this", pepper)[:12]


def hashed(secret: str, pepper: str) -> str:
    """Return what is stored of a secret."""
    return hmac.new(pepper.encode(), secret.encode(), sha256).hexdigest()


def hash_of_earlier_release(secret: str) -> str:
    """Return what earlier releases stored: a key has 256 bits of chance, so one plain hash cannot be guessed back."""
    return sha256(secret.encode()).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compare two hashes in a time that tells nothing."""
    return hmac.compare_digest(one, other)
