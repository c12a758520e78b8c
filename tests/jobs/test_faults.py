"""What is tried again and after how long: faults that may pass, and never a refusal."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.core.errors import AppError
from app.jobs.faults import Interrupted, LeaseLost, is_passing, seconds_until_again


class Refused(AppError):
    """What a room refuses."""

    code, kind = "refused", "conflict"


class NotNow(AppError):
    """What is not to be had at present."""

    code, kind = "not_now", "unavailable"


@pytest.mark.parametrize(
    ("state", "is_so"),
    [
        ("40001", True),  # serialization_failure
        ("40P01", True),  # deadlock_detected
        ("08006", True),  # connection_failure
        ("53300", True),  # too_many_connections
        ("55P03", True),  # lock_not_available
        ("57P01", True),  # admin_shutdown
        ("57P03", True),  # cannot_connect_now
        ("57014", False),  # query_canceled
        ("23505", False),  # unique_violation
        ("23001", False),  # restrict_violation
        ("42501", False),  # insufficient_privilege
        ("P0001", False),  # raise_exception
        ("22012", False),  # division_by_zero
    ],
)
def test_what_the_database_says_passes_or_does_not(database: Engine, state: str, is_so: bool) -> None:
    with database.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$"))
    assert is_passing(caught.value) is is_so


def test_a_connection_that_breaks_passes(database: Engine) -> None:
    with database.connect() as connection, database.connect() as other:
        number = connection.scalar(text("SELECT pg_backend_pid()"))
        other.execute(text(f"SELECT pg_terminate_backend({number}, 5000)"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text("SELECT 1"))
        connection.invalidate()
    assert is_passing(caught.value)


def test_a_server_that_is_not_there_passes(database: Engine) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect("host=/nowhere connect_timeout=1")
    assert is_passing(caught.value)
    assert is_passing(NoConnectionFree("all in use"))


def led_to(fault: psycopg.Error, error: Exception) -> Exception:
    """Return an error as it is when it was raised while another one was handled."""
    error.__context__ = fault
    return error


def test_a_refusal_does_not_pass_even_when_a_passing_fault_led_to_it() -> None:
    assert not is_passing(led_to(psycopg.errors.SerializationFailure(), Refused("no")))
    assert is_passing(NotNow("later"))
    assert not is_passing(KeyError("x"))


def test_what_a_passing_fault_led_to_passes() -> None:
    assert is_passing(led_to(psycopg.errors.DeadlockDetected(), RuntimeError("could not")))
    assert not is_passing(led_to(psycopg.errors.CheckViolation(), RuntimeError("could not")))


def test_waits_double_up_to_a_minute_and_end_with_the_attempts() -> None:
    fault = psycopg.errors.SerializationFailure()
    waits = [seconds_until_again(fault, attempt, 10) for attempt in range(10)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, None]
    assert seconds_until_again(Refused("no"), 0, 10) is None
    assert seconds_until_again(Interrupted(), 99, 10) == 0
    assert seconds_until_again(LeaseLost(), 99, 10) == 0
