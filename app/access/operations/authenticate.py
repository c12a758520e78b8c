"""Find out who calls."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.access.errors import KeyMissing, KeyUnknown
from app.access.operations.create_key import hash_of
from app.access.repository import key_by_hash
from app.store.models import ApiKey


def authenticate(session: Session, authorization: str | None) -> ApiKey:
    """Return the key of an `Authorization: Bearer …` header, or refuse."""
    scheme, _, secret = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise KeyMissing("Send an API key: `Authorization: Bearer tl_…`. `termline key create` makes one.")
    key = key_by_hash(session, hash_of(secret.strip()))
    if key is None:
        raise KeyUnknown("This API key is not known. Check it for a missing character, or create a new one.")
    return key
