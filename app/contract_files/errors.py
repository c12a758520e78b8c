"""Refusals of the room of contract files."""

from app.core.errors import AppError


class DocumentMalformed(AppError):
    """A file that is not a contract's document, or says what cannot be. The message names file, line and key."""

    code = "document_malformed"
    kind = "malformed"


class PlanChanged(AppError):
    """Somebody changed the contract between the plan that was shown and its doing."""

    code = "plan_changed"
    kind = "conflict"
