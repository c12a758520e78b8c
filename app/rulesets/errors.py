"""Refusals of the rulesets room."""

from app.core.errors import AppError


class ListExists(AppError):
    code = "list_exists"
    kind = "conflict"


class ListNotFound(AppError):
    code = "list_not_found"
    kind = "not_found"


class ListRefused(AppError):
    code = "list_refused"
    kind = "invalid"


class QuoteRefused(AppError):
    code = "quote_refused"
    kind = "invalid"
