"""What the audit room refuses."""

from __future__ import annotations

from app.core.errors import AppError


class CheckpointRefused(AppError):
    """A file that is no checkpoint, so that nothing can be held against it."""

    code = "checkpoint_refused"
    kind = "malformed"


class SigningKeyRefused(AppError):
    """A file or text that is no Ed25519 key."""

    code = "signing_key_refused"
    kind = "malformed"
