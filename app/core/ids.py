"""Identifiers and secrets. Random ones come from the system; derived ones are the same for the same parts."""

from __future__ import annotations

import hashlib
import secrets


def random_secret() -> str:
    """Return 32 random bytes as URL-safe text."""
    return secrets.token_urlsafe(32)


def random_text(alphabet: str, length: int) -> str:
    """Return letters of an alphabet, drawn by chance, for the parts of API keys."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def derived_id(prefix: str, *parts: str) -> str:
    """Return a short identifier that is a function of its parts, so that a replay names things alike.

    >>> derived_id("dec", "cdnow", "c1") == derived_id("dec", "cdnow", "c1") != derived_id("dec", "cdnowc1")
    True
    """
    text = "\x1f".join(parts).encode()
    assert text.count(b"\x1f") == len(parts) - 1, "a part holds the separator"  # names are printable: never
    return f"{prefix}_{hashlib.sha256(text).hexdigest()[:24]}"
