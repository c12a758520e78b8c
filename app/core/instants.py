"""Instants and local dates: how they are read and written. Nothing here asks what time it is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(text: str) -> datetime | None:
    """Read an RFC 3339 instant with an offset as UTC, or return None. A naive time is not an instant.

    >>> parse_instant("1997-07-02T10:00:00-04:00")
    datetime.datetime(1997, 7, 2, 14, 0, tzinfo=datetime.timezone.utc)
    >>> parse_instant("1997-07-02T10:00:00") is None
    True
    """
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_date(text: str) -> date | None:
    """Read a calendar date `YYYY-MM-DD`, or return None."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def write_instant(instant: datetime) -> str:
    """Write an instant in its one form: UTC, `Z`, microseconds only when there are any.

    >>> write_instant(datetime(1997, 7, 2, 14, tzinfo=UTC))
    '1997-07-02T14:00:00Z'
    """
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def micros(instant: datetime) -> int:
    """Return the whole microseconds since 1970-01-01T00:00:00Z."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """Return an IANA time zone, or None for a name that is not one."""
    return ZoneInfo(name) if name in _zone_names() else None


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=65536)
def start_of_day(day: date, timezone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC.

    That is not always midnight: where a day begins with a clock change (São Paulo, 2018-11-04), the first instant
    is 01:00; where midnight happens twice, it is the earlier one.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone)  # fold=0: the earlier of two midnights
    instant = midnight.astimezone(UTC)
    if instant.astimezone(timezone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # Midnight does not exist: fold=0 read it with the offset before the gap, which lands exactly as far behind the
    # gap's end as midnight lies behind the gap's start. Walk back to the change itself.
    return _change_between(instant - timedelta(days=1), instant, day, timezone)


def _change_between(before: datetime, after: datetime, day: date, timezone: ZoneInfo) -> datetime:
    """Bisect, to the second, for the first instant whose local date is `day`."""
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, timezone).date() >= day:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)
