"""Half-open periods of time, and the billing months and windows of a zone. Which terms hold in them is `timeline.py`'s."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.core.instants import start_of_day

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """The instants from `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def parse_month(text: str) -> date | None:
    """Read a billing period `YYYY-MM` as its first day, or return None.

    >>> parse_month("1997-07"), parse_month("1997-7")
    (datetime.date(1997, 7, 1), None)
    """
    match = _MONTH.fullmatch(text)
    return date(int(match[1]), int(match[2]), 1) if match and int(match[1]) else None


def next_month(first: date) -> date:
    """Return the first day of the following month."""
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


@lru_cache(maxsize=4096)
def month_of(instant: datetime, timezone: ZoneInfo) -> Period:
    """Return the local calendar month an instant lies in."""
    return month_from(instant.astimezone(timezone).date().replace(day=1), timezone)


@lru_cache(maxsize=4096)
def month_from(first: date, timezone: ZoneInfo) -> Period:
    """Return the local calendar month that starts on `first`."""
    return Period(start_of_day(first, timezone), start_of_day(next_month(first), timezone))


def month_name(period: Period, timezone: ZoneInfo) -> str:
    """Return `YYYY-MM` of a period that starts a local month."""
    return period.start.astimezone(timezone).strftime("%Y-%m")
