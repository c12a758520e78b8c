"""Create an API key."""

from __future__ import annotations

import hashlib

from app.access.errors import KeyNameTaken, UnknownRole
from app.access.repository import key_by_name
from app.audit.record import record
from app.core.errors import AppError
from app.core.ids import derived_id, random_secret
from app.rulelang.diagnostics import described
from app.runtime import Context
from app.store.models import ApiKey
from app.store.models.access import ROLES

MAX_NAME = 64


class KeyNameRefused(AppError):
    """A name that nobody could read in the audit trail, or that would speak for somebody else there."""

    code = "key_name_refused"
    kind = "invalid"


def create_key(ctx: Context, *, role: str, name: str) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which is shown this once and stored only as a hash."""
    if role not in ROLES:
        raise UnknownRole(f"There is no role {role!r}. Roles are: {', '.join(ROLES)}.")
    _check_name(name)
    if key_by_name(ctx.session, name) is not None:
        raise KeyNameTaken(f"There is a key named {name!r} already. Choose another name.")
    secret = f"tl_{random_secret()}"
    key = ApiKey(id=derived_id("key", name), name=name, role=role, key_hash=hash_of(secret), created_at=ctx.now())
    ctx.session.add(key)
    record(ctx, "api_key.created", key.id, f"Key {name} created for role {role}", after={"name": name, "role": role})
    ctx.session.flush()
    return key, secret


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise KeyNameRefused(
            f"A key's name has 1 to {MAX_NAME} printable characters, without line breaks and without blanks around it; "
            f"found {described(name)}. Choose another name."
        )
    if name.casefold() == "cli" or name.casefold().startswith("cli:"):
        raise KeyNameRefused(
            f"The name {name!r} would look like somebody at the command line: cli and what starts with cli: are kept "
            "for them in the audit trail. Choose another name."
        )


def hash_of(secret: str) -> str:
    """Return what is stored of a key. A key has 256 random bits, so one plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()
