"""Settlement terms and the dates they come to, said as people do. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.period import EVER
from app.engine.settlement import Settlement, lock_at, month_of_event, settlement_from


def settlement_words(data: dict[str, Any] | None) -> str:
    """Say settlement terms: held for 30 days, locks 10 days after the end of the month."""
    settlement = settlement_from(data)
    parts = [f"held for {_days(settlement.hold_days)}"] if settlement.hold_days is not None else []
    if settlement.lock is not None:
        parts.append(f"locks {_lock_term(settlement)}")
    if settlement.submit_within_days is not None:
        parts.append(f"to be submitted within {_days(settlement.submit_within_days)} of the event")
    if settlement.fx is not None:
        rates = ", ".join(f"{name} {rate}" for name, rate in sorted(settlement.fx.rates.items()))
        at = {"event": "of the event", "lock": "of the lock", "fixed": "agreed"}[settlement.fx.date]
        parts.append(f"currencies converted at the rate {at}" + (f": {rates}" if rates else ""))
    if settlement.after_lock == "release":
        parts.append("reversals after the lock give back room in tiers and limits")
    return "; ".join(parts) or "none"


def lock_words(settlement: Settlement, event_at: datetime, timezone: ZoneInfo) -> str:
    """Say which date a conversion's lock comes to and why: 10 April 2026 00:00 America/New_York: 10 days after the end of
    March."""
    at, lock = lock_at(settlement, event_at, timezone), settlement.lock
    assert at is not None
    assert lock is not None, "no lock is agreed"
    month = month_of_event(event_at, timezone)
    match lock.kind:
        case "month_end_days":
            why = f"{_days(lock.number)} after the end of {month:%B}"
        case "day_of_month":
            why = f"day {lock.number} of the month after {month:%B}"
        case _:
            why = days_words(lock.number, event_at, timezone)
    return f"{local_words(at, timezone)}: {why}"


def days_words(days: int, event_at: datetime, timezone: ZoneInfo) -> str:
    """Say days after an event: 30 days after 2 July 1997 10:00."""
    return f"{_days(days)} after {_local(event_at, timezone)}"


def local_words(instant: datetime, timezone: ZoneInfo) -> str:
    """Say an instant as a local day and time with its zone.

    >>> local_words(datetime.fromisoformat("2026-04-10T04:00:00Z"), ZoneInfo("America/New_York"))
    '10 April 2026 00:00 America/New_York'
    """
    return f"{_local(instant, timezone)} {timezone.key}"


def _local(instant: datetime, timezone: ZoneInfo) -> str:
    if instant.year == EVER.end.year:  # has no local time everywhere any more
        return "the end of time"
    local = instant.astimezone(timezone)
    return f"{local.day} {local:%B} {local.year} {local:%H:%M:%S}".removesuffix(":00")


def _lock_term(settlement: Settlement) -> str:
    lock = settlement.lock
    assert lock is not None
    return {
        "month_end_days": f"{_days(lock.number)} after the end of the month",
        "day_of_month": f"on day {lock.number} of the following month",
        "event_days": f"{_days(lock.number)} after the event",
    }[lock.kind]


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
