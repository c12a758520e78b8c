"""Durations: how they are read and written (ISO 8601, as far as a duration has one length). Nothing here adds them to time.

Years and months have no length of their own, so there are none. A day has 24 hours here, whatever a clock change does to
a day on the calendar.
"""

from __future__ import annotations

import re
from datetime import timedelta

_WEEKS = re.compile(r"P([0-9]{1,9})W", re.ASCII)
_DURATION = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,15})(?:\.([0-9]{1,6}))?S)?)?",
    re.ASCII,
)
_MICROSECOND = timedelta(microseconds=1)


def parse_duration(text: str) -> timedelta | None:
    """Read `PnDTnHnMnS` or `PnW`, or return None. Seconds have at most six digits after the point.

    >>> parse_duration("P1DT12H") == parse_duration("PT36H") == timedelta(hours=36)
    True
    >>> parse_duration("P1M") is parse_duration("P") is parse_duration("P1DT") is parse_duration("-PT1S") is None
    True
    """
    if weeks := _WEEKS.fullmatch(text):
        return _length(days=7 * int(weeks[1]))
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds, places = found.groups(default="0")
    return _length(int(days), (int(hours) * 60 + int(minutes)) * 60 + int(seconds), int(places.ljust(6, "0")))


def _length(days: int, seconds: int = 0, microseconds: int = 0) -> timedelta | None:
    try:
        return timedelta(days=days, seconds=seconds, microseconds=microseconds)
    except OverflowError:
        return None


def write_duration(duration: timedelta) -> str:
    """Write a duration in its one form: days, hours, minutes and seconds, without those that are zero.

    >>> write_duration(timedelta(days=1, hours=2, seconds=3.5)), write_duration(timedelta(0))
    ('P1DT2H3.5S', 'PT0S')
    """
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    places = f".{duration.microseconds:06}".rstrip("0.")
    counts = ((hours, "H"), (minutes, "M"), (f"{seconds}{places}", "S"))
    time = "".join(f"{count}{letter}" for count, letter in counts if count not in (0, "0"))
    day = f"{duration.days}D" if duration.days else ""
    return f"P{day}T{time}" if time else f"P{day}" if day else "PT0S"


def length_micros(duration: timedelta) -> int:
    """Return a duration in whole microseconds."""
    return duration // _MICROSECOND
