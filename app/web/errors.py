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


class ChangedMeanwhile(AppError):
    code = "changed_meanwhile"
    kind = "conflict"


class DatabaseUnreachable(AppError):
    code = "database_unreachable"
    kind = "unavailable"


class TryAgain(AppError):
    code = "try_again"
    kind = "unavailable"
