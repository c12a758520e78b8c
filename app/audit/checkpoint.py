"""Checkpoints: where the chain ended, signed, to be kept where whoever runs the database cannot change it.

Signed is the RFC 8785 form of the document without its signature, behind a prefix that nothing else of ours is signed
with. Files are read and written by the commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from app.audit.errors import CheckpointRefused, SigningKeyRefused
from app.audit.verification import Head, Mark
from app.core.canonical import canonical_bytes
from app.core.instants import parse_instant, write_instant

PREFIX = b"termline/audit-checkpoint/1\0"
_HEX = re.compile("[0-9a-f]+", re.ASCII)
_TEXTS = ("at", "hash", "installation", "public_key", "signature")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as it was read: what it says, whose key it names, and whether that key signed exactly this."""

    mark: Mark
    public_key: str
    is_signed: bool


def new_signing_key() -> bytes:
    """Return a new Ed25519 private key as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key_of(pem: bytes) -> str:
    """Return the public key of a private key, as 64 hex digits."""
    return _private(pem).public_key().public_bytes_raw().hex()


def signed_checkpoint(head: Head, at: datetime, pem: bytes) -> dict[str, Any]:
    """Return where the chain ends as a document that is signed with a private key."""
    said = {
        "installation": head.installation,
        "seq": head.seq,
        "hash": head.hash.hex(),
        "at": write_instant(at),
        "public_key": public_key_of(pem),
    }
    return {**said, "signature": _private(pem).sign(PREFIX + canonical_bytes(said)).hex()}


def read_checkpoint(data: Any) -> Checkpoint:
    """Read a checkpoint, or refuse what is none. That it is well formed does not mean that it is signed."""
    if not isinstance(data, dict) or set(data) != {*_TEXTS, "seq"}:
        raise CheckpointRefused(f"A checkpoint has the fields seq, {', '.join(_TEXTS)}, and no others.")
    if type(data["seq"]) is not int or not 0 <= data["seq"] < 2**53:
        raise CheckpointRefused("The seq of a checkpoint is a whole number from 0.")
    if not all(isinstance(data[name], str) for name in _TEXTS) or parse_instant(data["at"]) is None:
        raise CheckpointRefused(f"{', '.join(_TEXTS)} of a checkpoint are texts, and its at is an RFC 3339 time.")
    for name, length in (("hash", 64), ("public_key", 64), ("signature", 128)):
        if len(data[name]) != length or not _HEX.fullmatch(data[name]):
            raise CheckpointRefused(f"The {name} of a checkpoint has {length} hex digits, in small letters.")
    mark = Mark(data["installation"], data["seq"], bytes.fromhex(data["hash"]), data["at"])
    return Checkpoint(mark, data["public_key"], _is_signed(data))


def read_public_key(text: str) -> str:
    """Return a public key, given as 64 hex digits or as PEM, as hex digits."""
    text = text.strip()
    if len(text) == 64 and _HEX.fullmatch(text.lower()):
        return text.lower()
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyRefused("This is no public key: 64 hex digits, or an Ed25519 public key as PEM.")
    return key.public_bytes_raw().hex()


def _is_signed(data: dict[str, Any]) -> bool:
    said = {name: value for name, value in data.items() if name != "signature"}
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(data["public_key"]))
        key.verify(bytes.fromhex(data["signature"]), PREFIX + canonical_bytes(said))
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyRefused(
            "This is no Ed25519 private key as PEM without a password. `termline audit keygen` makes one."
        )
    return key
