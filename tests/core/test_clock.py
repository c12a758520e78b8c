"""The clock that is handed in: the system's is UTC, a frozen one does not move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.core.clock import frozen_at, system_clock


def test_the_system_clock_is_utc_and_present() -> None:
    before, now, after = datetime.now(UTC), system_clock(), datetime.now(UTC)
    assert before <= now <= after
    assert now.utcoffset() == timedelta(0)


def test_a_frozen_clock_always_says_the_same() -> None:
    clock = frozen_at(datetime(1997, 7, 2, 14, tzinfo=UTC))
    assert clock() == clock() == datetime(1997, 7, 2, 14, tzinfo=UTC)
