"""Half-open periods of time, and the billing months and windows of a zone. Which terms hold in them is `timeline.py`'s."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, get_args
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


def month_of(instant: datetime, timezone: ZoneInfo) -> Period:
    """Return the local calendar month an instant lies in."""
    return window_of("month", instant, timezone)


@lru_cache(maxsize=4096)
def month_from(first: date, timezone: ZoneInfo) -> Period:
    """Return the local calendar month that starts on `first`."""
    return Period(start_of_day(first, timezone), start_of_day(next_month(first), timezone))


Window = Literal["event", "day", "week", "month", "quarter", "contract_year", "contract"]
"""What tiers and limits accumulate over. Weeks start on Monday; a contract year starts on the contract's first day."""

WINDOWS: tuple[Window, ...] = get_args(Window)
EVER = Period(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
NO_ANCHOR = date(1, 1, 1)


def window_of(window: Window, instant: datetime, timezone: ZoneInfo, anchor: date = NO_ANCHOR) -> Period:
    """Return the window an instant lies in; `anchor` is the contract's first local day, from which its years count.

    A window ends once: where clocks went back across its end (St John's, 2009-11-01, 00:01 to 23:01), the hour that
    shows the old window's date for the second time belongs to the new window. An event has no window of its own: of
    "event" nothing accumulates.
    """
    if window == "contract":
        return EVER
    assert window != "event", "an event has no window"
    first = first_day_of(window, instant.astimezone(timezone).date(), anchor)
    found = _window_from(window, first, timezone, anchor)
    return found if instant < found.end else _window_from(window, _FOLLOWING[window](first, anchor), timezone, anchor)


def first_day_of(window: Window, day: date, anchor: date = NO_ANCHOR) -> date:
    """Return the first local day of the window a day lies in.

    >>> first_day_of("week", date(1997, 7, 2)), first_day_of("contract_year", date(2027, 2, 28), date(2024, 2, 29))
    (datetime.date(1997, 6, 30), datetime.date(2027, 2, 28))
    """
    return _FIRST[window](day, anchor)


@lru_cache(maxsize=4096)
def _window_from(window: Window, first: date, timezone: ZoneInfo, anchor: date) -> Period:
    following = _FOLLOWING[window](first, anchor)
    return Period(start_of_day(first, timezone), start_of_day(following, timezone))


def _contract_year_of(day: date, anchor: date) -> date:
    years = day.year - anchor.year
    first = months_later(anchor, 12 * years)
    return first if first <= day else months_later(anchor, 12 * (years - 1))


def _next_contract_year(first: date, anchor: date) -> date:
    return months_later(anchor, 12 * (first.year - anchor.year + 1))


_FIRST: dict[str, Callable[[date, date], date]] = {
    "day": lambda day, anchor: day,
    "week": lambda day, anchor: day - timedelta(days=day.weekday()),
    "month": lambda day, anchor: day.replace(day=1),
    "quarter": lambda day, anchor: date(day.year, day.month - (day.month - 1) % 3, 1),
    "contract_year": _contract_year_of,
}
_FOLLOWING: dict[str, Callable[[date, date], date]] = {
    "day": lambda first, anchor: first + timedelta(days=1),
    "week": lambda first, anchor: first + timedelta(days=7),
    "month": lambda first, anchor: next_month(first),
    "quarter": lambda first, anchor: months_later(first, 3),
    "contract_year": _next_contract_year,
}


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
