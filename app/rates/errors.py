"""Refusals of the rates room."""

from app.core.errors import AppError


class RateNotFound(AppError):
    code = "rate_not_found"
    kind = "not_found"


class RateDiffers(AppError):
    code = "rate_differs"
    kind = "conflict"


class RateRefused(AppError):
    code = "rate_refused"
    kind = "invalid"
