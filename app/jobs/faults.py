"""Which faults may pass by themselves, and how long to wait until a job is tried again. Nothing is run here."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.core.errors import AppError

LONGEST_WAIT_S = 60
# Connections lost, serialization failures and deadlocks, a server short of something, one that starts or stops, a lock that
# was not to be had, and a session that was ended because it said nothing for too long.
PASSING_CLASSES = ("08", "40", "53")
PASSING_STATES = ("55P03", "57P01", "57P02", "57P03", "57P05", "25P03", "25P04")


class Interrupted(Exception):
    """The worker is to stop, or has lost touch with the database: its job goes back into the queue."""


class LeaseLost(Exception):
    """The job was given to another worker, because this one was silent for too long."""


def seconds_until_again(error: BaseException, attempt: int, attempts: int) -> int | None:
    """Return how long to wait before another attempt, or None when there is to be none.

    `attempt` counts from 0. A refusal will be one again, and a fault of ours is for people to look at.
    """
    if isinstance(error, Interrupted | LeaseLost):
        return 0
    if attempt + 1 >= attempts or not is_passing(error):
        return None
    return int(min(LONGEST_WAIT_S, 2 ** min(attempt, 10)))


def is_passing(error: BaseException) -> bool:
    """Tell whether doing the same again later may end well."""
    if isinstance(error, AppError):
        return error.kind == "unavailable"
    return any(_is_passing(cause) for cause in _causes(error))


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, NoConnectionFree):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and _is_passing(error.orig))
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:  # it comes from the client: the connection broke, or could not be had
        return isinstance(error, psycopg.OperationalError)
    return state.startswith(PASSING_CLASSES) or state in PASSING_STATES


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
