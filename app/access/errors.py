"""Refusals of the access room."""

from app.core.errors import AppError


class KeyMissing(AppError):
    code = "key_missing"
    kind = "unauthenticated"


class KeyUnknown(AppError):
    code = "key_unknown"
    kind = "unauthenticated"


class RoleNotAllowed(AppError):
    code = "role_not_allowed"
    kind = "forbidden"


class KeyNameTaken(AppError):
    code = "key_name_taken"
    kind = "conflict"


class UnknownRole(AppError):
    code = "unknown_role"
    kind = "invalid"
