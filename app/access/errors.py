"""Refusals of the access room."""

from app.core.errors import AppError


class KeyMissing(AppError):
    code = "key_missing"
    kind = "unauthenticated"


class KeyUnknown(AppError):
    """A key that is none of ours, or has a character wrong."""

    code = "key_unknown"
    kind = "unauthenticated"


class KeyExpired(AppError):
    code = "key_expired"
    kind = "unauthenticated"


class KeyRevoked(AppError):
    code = "key_revoked"
    kind = "unauthenticated"


class RoleNotAllowed(AppError):
    code = "role_not_allowed"
    kind = "forbidden"


class ScopeNotAllowed(AppError):
    code = "scope_not_allowed"
    kind = "forbidden"


class KeyNotFound(AppError):
    code = "key_not_found"
    kind = "not_found"


class KeyNameTaken(AppError):
    code = "key_name_taken"
    kind = "conflict"


class KeyHasEnded(AppError):
    """A key that is revoked or expired is not given another secret."""

    code = "key_has_ended"
    kind = "conflict"


class TwoSecretsLive(AppError):
    """A third secret of a key."""

    code = "two_secrets_live"
    kind = "conflict"


class UnknownRole(AppError):
    code = "unknown_role"
    kind = "invalid"


class KeyRefused(AppError):
    """A partner, scope or time that a key cannot have."""

    code = "key_refused"
    kind = "invalid"


class KeyNameRefused(AppError):
    """A name that nobody could read in the audit trail, or that would speak for somebody else there."""

    code = "key_name_refused"
    kind = "invalid"
