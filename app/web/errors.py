"""Refusals of the HTTP edge itself. What the rooms refuse is theirs."""

from __future__ import annotations

from app.core.errors import AppError


class MalformedBody(AppError):
    code = "malformed_json"
    kind = "malformed"


class BodyRefused(AppError):
    code = "body_refused"
    kind = "invalid"


class QueryRefused(AppError):
    code = "query_refused"
    kind = "invalid"


class IdempotencyKeyMissing(AppError):
    code = "idempotency_key_missing"
    kind = "malformed"


class IdempotencyKeyMalformed(AppError):
    code = "idempotency_key_malformed"
    kind = "malformed"


class IdempotencyInProgress(AppError):
    code = "idempotency_in_progress"
    kind = "conflict"


class IdempotencyKeyReused(AppError):
    code = "idempotency_key_reused"
    kind = "invalid"


class IfMatchMalformed(AppError):
    code = "if_match_malformed"
    kind = "malformed"


class PreconditionRequired(AppError):
    code = "precondition_required"
    kind = "unconditional"


class RevisionMismatch(AppError):
    code = "revision_mismatch"
    kind = "outdated"


class TooManyRequests(AppError):
    code = "too_many_requests"
    kind = "too_many"


class ChangedMeanwhile(AppError):
    code = "changed_meanwhile"
    kind = "conflict"


class DatabaseUnreachable(AppError):
    code = "database_unreachable"
    kind = "unavailable"


class TryAgain(AppError):
    code = "try_again"
    kind = "unavailable"
