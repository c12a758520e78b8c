"""Instants and local dates: how they are read and written. Nothing here asks what time it is.

Time has ends here: an instant lies in the years 2 to 9998, so that it has a local date and a whole month around it in
every zone.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones, reset_tzpath

# Zones come from the `tzdata` package and not from the machine's own files: a month of one contract ends at the same
# instant on every machine that runs the same release.
reset_tzpath(to=())

INSTANT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
"""What an instant looks like, as a pattern; whether there is such a day the pattern does not know."""
_INSTANT = re.compile(INSTANT, re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, 23, 59, 59, 999999, UTC)


def parse_instant(text: str) -> datetime | None:
    """Read an RFC 3339 instant with an offset as UTC, or return None. A naive time is not an instant.

    Neither is a leap second (":60", which no clock of ours can hold), nor a seventh digit after the point, which would
    be lost.

    >>> parse_instant("1997-07-02T10:00:00-04:00")
    datetime.datetime(1997, 7, 2, 14, 0, tzinfo=datetime.timezone.utc)
    >>> parse_instant("1997-07-02T10:00:00") is None
    True
    """
    if not _INSTANT.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant if _FIRST <= instant <= _LAST else None


def parse_date(text: str) -> date | None:
    """Read a calendar date `YYYY-MM-DD`, or return None. Any year from 1 to 9999: a date alone needs no zone."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def write_instant(instant: datetime) -> str:
    """Write an instant in its one form: UTC, `Z`, microseconds only when there are any. Naive times are a fault.

    >>> write_instant(datetime(1997, 7, 2, 14, tzinfo=UTC))
    '1997-07-02T14:00:00Z'
    """
    assert instant.tzinfo is not None, f"naive time {instant.isoformat()}"  # astimezone would take the machine's zone
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def micros(instant: datetime) -> int:
    """Return the whole microseconds since 1970-01-01T00:00:00Z."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def zone(name: str) -> ZoneInfo | None:
    """Return an IANA time zone, or None for a name that is not one."""
    return ZoneInfo(name) if name in _zone_names() else None


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # "localtime" is whatever the machine is set to, and "Factory" says that nobody has set it.
    return frozenset(available_timezones() - {"localtime", "Factory"})


@lru_cache(maxsize=65536)
def start_of_day(day: date, timezone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC.

    That is not always midnight: where a day begins with a clock change (São Paulo, 2018-11-04), the first instant
    is 01:00; where midnight happens twice, it is the earlier one. A day that was skipped (Apia, 2011-12-30) has the
    first instant of the next. In the year 1 it may be the first instant there is.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone)  # fold=0: the earlier of two midnights
    try:
        instant = midnight.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
    if instant.astimezone(timezone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # Midnight does not exist: fold=0 read it with the offset before the gap, which lands exactly as far behind the
    # gap's end as midnight lies behind the gap's start. Walk back to the change itself.
    return _change_between(instant - timedelta(days=1), instant, day, timezone)


def _change_between(before: datetime, after: datetime, day: date, timezone: ZoneInfo) -> datetime:
    """Bisect, to the second, for the first instant whose local date is `day`."""
    second = timedelta(seconds=1)
    low, high = 0, (after - before) // second
    while high - low > 1:
        middle = (low + high) // 2
        if (before + middle * second).astimezone(timezone).date() >= day:
            high = middle
        else:
            low = middle
    return before + high * second
