"""The one byte form of JSON data (RFC 8785) and its hash."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical_bytes(data: Any) -> bytes:
    """Return RFC 8785 canonical JSON. Data holds strings, integers within 2^53, booleans, null, lists and dicts."""
    return rfc8785.dumps(data)


def content_hash(data: Any) -> str:
    """Return the SHA-256 of the canonical form, as 64 hex digits.

    >>> content_hash({"b": 1, "a": "x"}) == content_hash({"a": "x", "b": 1})
    True
    """
    return hashlib.sha256(canonical_bytes(data)).hexdigest()
