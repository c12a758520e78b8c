"""Refusals of the billing room."""

from app.core.errors import AppError


class PeriodRefused(AppError):
    code = "period_refused"
    kind = "invalid"


class StatementNotFound(AppError):
    code = "statement_not_found"
    kind = "not_found"
