"""Refusals of the partners room."""

from app.core.errors import AppError


class AttributionModelRefused(AppError):
    code = "attribution_model_refused"
    kind = "invalid"


class ModelBackdated(AppError):
    code = "model_backdated"
    kind = "conflict"


class PartnerExists(AppError):
    code = "partner_exists"
    kind = "conflict"


class PartnerNotFound(AppError):
    code = "partner_not_found"
    kind = "not_found"


class ProgramExists(AppError):
    code = "program_exists"
    kind = "conflict"


class ProgramNotFound(AppError):
    code = "program_not_found"
    kind = "not_found"


class ProgramRefused(AppError):
    code = "program_refused"
    kind = "invalid"
