"""Create an API key."""

from __future__ import annotations

import hashlib

from app.access.errors import KeyNameTaken, UnknownRole
from app.access.repository import key_by_name
from app.audit.record import record
from app.core.ids import derived_id, random_secret
from app.runtime import Context
from app.store.models import ApiKey
from app.store.models.access import ROLES


def create_key(ctx: Context, *, role: str, name: str) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which is shown this once and stored only as a hash."""
    if role not in ROLES:
        raise UnknownRole(f"There is no role {role!r}. Roles are: {', '.join(ROLES)}.")
    if key_by_name(ctx.session, name) is not None:
        raise KeyNameTaken(f"There is a key named {name!r} already. Choose another name.")
    secret = f"tl_{random_secret()}"
    key = ApiKey(id=derived_id("key", name), name=name, role=role, key_hash=hash_of(secret), created_at=ctx.now())
    ctx.session.add(key)
    record(ctx, "api_key.created", key.id, f"Key {name} created for role {role}", after={"name": name, "role": role})
    ctx.session.flush()
    return key, secret


def hash_of(secret: str) -> str:
    """Return what is stored of a key. A key has 256 random bits, so one plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()
