"""The clocks that are handed in. One of the two modules that may ask the system; the other is `ids.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic_ns

Clock = Callable[[], datetime]
Ticks = Callable[[], int]


def system_clock() -> datetime:
    """Return the present instant in UTC, with microseconds."""
    return datetime.now(UTC)


def frozen_at(instant: datetime) -> Clock:
    """Return a clock that always says the same."""
    return lambda: instant


def system_ticks() -> int:
    """Return nanoseconds since some moment: they never jump, so that durations can be measured with them."""
    return monotonic_ns()
