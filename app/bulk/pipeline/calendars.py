"""Local time as tables: the offset of a zone through time, and what each of its days is and belongs to. SQL then has no
time zone of its own, and a month ends at the same instant as online.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.core.instants import micros, start_of_day
from app.core.period import Window, first_day_of
from app.engine.factsheet import WEEKDAYS

DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)
_START = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(hours=1)
KINDS: tuple[Window, ...] = ("day", "week", "month", "quarter", "contract_year")


@dataclass(frozen=True, slots=True)
class Day:
    """A local day: when the next one begins, and by window the first day of what it belongs to, as days since 1970."""

    number: int
    next_at: int
    on: date
    weekday: str
    month: int
    windows: tuple[int, ...]


@lru_cache(maxsize=4096)
def offsets(timezone: ZoneInfo, first: int, last: int) -> tuple[tuple[int, int], ...]:
    """Return from when on which offset holds, in microseconds, for a time. The first one holds before it as well."""
    found = [(first, offset_at(timezone, first))]
    at, end = first, last + DAY
    while at < end:
        following = at + _STEP // timedelta(microseconds=1)
        if offset_at(timezone, following) != found[-1][1]:
            change = _change(timezone, at, following, found[-1][1])
            found.append((change, offset_at(timezone, change)))
            following = max(following, change + 1)
        at = following
    return tuple(found)


def local_offsets(timezone: ZoneInfo, first: int, last: int) -> list[tuple[int, int]]:
    """Return from which local time on which offset leads back to UTC. A local time that happens twice is meant the first
    time, and one that clocks skip has the offset before: both ways the later of the two readings of a change counts."""
    found = offsets(timezone, first, last)
    back = [found[0]]
    for (_, before), (at, after) in pairwise(found):
        back.append((at + max(before, after), after))
    return back


def offset_at(timezone: ZoneInfo, at: int) -> int:
    """Return the offset of local time from UTC at an instant, in microseconds."""
    offset = (_START + timedelta(microseconds=at)).astimezone(timezone).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)


def _change(timezone: ZoneInfo, low: int, high: int, before: int) -> int:
    """Return the first instant at which the offset is another one."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_at(timezone, middle) == before else (low, middle)
    return high


def days(timezone: ZoneInfo, anchor: date, first: int, last: int) -> Iterator[Day]:
    """Yield the local days of a time, and one more at either end."""
    begin = (_START + timedelta(microseconds=first)).date() - timedelta(days=2)
    end = (_START + timedelta(microseconds=last)).date() + timedelta(days=3)
    on = begin
    while on <= end:
        following = on + timedelta(days=1)
        windows = tuple(day_number(first_day_of(kind, on, anchor)) for kind in KINDS)
        at = micros(start_of_day(following, timezone))
        yield Day(day_number(on), at, on, WEEKDAYS[on.weekday()], on.month, windows)
        on = following


def day_number(on: date) -> int:
    """Return a date as days since 1970."""
    return (on - _EPOCH).days
