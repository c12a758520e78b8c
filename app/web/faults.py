"""Exceptions of the libraries below us, seen as refusals: a database that is away, two writers at once."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

from app.core.errors import AppError
from app.web.errors import BodyRefused, ChangedMeanwhile, DatabaseUnreachable, TryAgain

HTTP_CODES: dict[int, tuple[str, str]] = {
    400: ("bad_request", "The request cannot be understood as HTTP."),
    404: ("no_such_address", "There is nothing at this address. /docs lists what there is."),
    405: ("method_not_allowed", "This address has other methods; `Allow` lists them."),
    413: (
        "body_too_large",
        "The body is larger than this address accepts (JSON: 128 KiB, a list 512; NDJSON: 64 MiB, 100,000 lines). Send less.",
    ),
    414: ("address_too_long", "The address is too long."),
    415: ("unsupported_media_type", "This address reads another content type; `Accept` says which."),
    431: ("headers_too_large", "The headers are too large."),
}

_UNIQUE, _SERIALIZATION, _DEADLOCK = "23505", "40001", "40P01"
# Class 22 is "data exception": a value the database cannot hold, such as a time before 4713 BC.
_DATA = "22"


def as_app_error(error: Exception) -> AppError | None:
    """Return an exception as a refusal, or None when it is a fault of ours."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, TimeoutError):
        return TryAgain("All connections to the database are in use. Try again in a moment.")
    if isinstance(error, DBAPIError):
        return _database_refusal(error)
    return None


def _database_refusal(error: DBAPIError) -> AppError | None:
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == _UNIQUE:
        return ChangedMeanwhile("Somebody else wrote the same thing at the same moment. Read it again, then decide.")
    if state in (_SERIALIZATION, _DEADLOCK):
        return TryAgain("Two writers stood in each other's way. Send the same request again.")
    if state.startswith(_DATA):
        return BodyRefused("A value in the request is beyond what can be stored.")
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseUnreachable("The database does not answer. Try again in a moment.")
    return None
