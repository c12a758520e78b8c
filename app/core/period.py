"""Half-open periods of time, and the billing months and windows of a zone. Which terms hold in them is `timeline.py`'s."""

from __future__ import annotations

import re
from calendar import monthrange
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
    """Read a billing period `YYYY-MM` as its first day, or return None. Years as in `instants.py`: 2 to 9998.

    >>> parse_month("1997-07"), parse_month("1997-7")
    (datetime.date(1997, 7, 1), None)
    """
    match = _MONTH.fullmatch(text)
    return date(int(match[1]), int(match[2]), 1) if match and 1 < int(match[1]) < 9999 else None


def next_month(first: date) -> date:
    """Return the first day of the following month."""
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


@lru_cache(maxsize=4096)
def month_of(instant: datetime, timezone: ZoneInfo) -> Period:
    """Return the local calendar month an instant lies in.

    A month ends once: where clocks went back across its end (St John's, 2009-11-01, 00:01 to 23:01), the hour that
    shows the old month's date for the second time belongs to the new month.
    """
    first = instant.astimezone(timezone).date().replace(day=1)
    month = month_from(first, timezone)
    return month if instant < month.end else month_from(next_month(first), timezone)


@lru_cache(maxsize=4096)
def month_from(first: date, timezone: ZoneInfo) -> Period:
    """Return the local calendar month that starts on `first`."""
    return Period(start_of_day(first, timezone), start_of_day(next_month(first), timezone))


def month_name(period: Period, timezone: ZoneInfo) -> str:
    """Return `YYYY-MM` of a period that starts a local month."""
    return period.start.astimezone(timezone).date().isoformat()[:7]


def months_later(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day where there is none.

    Counting always starts from the same first day, so a term that began on the 31st comes back to it:

    >>> months_later(date(2027, 1, 31), 1), months_later(date(2027, 1, 31), 2), months_later(date(2028, 2, 29), 12)
    (datetime.date(2027, 2, 28), datetime.date(2027, 3, 31), datetime.date(2029, 2, 28))
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
