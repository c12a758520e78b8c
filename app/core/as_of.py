"""The recorded clock of a read: the instant of which is asked what was known then. What was known is the rooms' matter."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from app.core.errors import AppError, Finding
from app.core.instants import parse_date, parse_instant, start_of_day, write_instant


class InstantRefused(AppError):
    code = "instant_refused"
    kind = "invalid"


def read_as_of(given: str | datetime | None, now: datetime, timezone: ZoneInfo | None = None) -> datetime:
    """Return the instant of which is asked what was known then: now, unless one is given.

    Text is an instant with an offset or, where a zone is known, a local date, which means its first instant. What will
    be known at a time to come nobody can say, so that is refused: the same question would have another answer later.
    """
    if given is None:
        return now
    found = given if isinstance(given, datetime) else _read(given, timezone)
    if found is None:
        wanted = "an instant with an offset" if timezone is None else "a local date or an instant with an offset"
        raise _refusal("wrong_value", f"as_of is {wanted}; found {given!r}", "such as 1997-07-01T00:00:00-04:00")
    if found > now:
        raise _refusal(
            "future_time", f"as_of {write_instant(found)} lies in the future", "leave it out to ask as of now"
        )
    return found


def _read(text: str, timezone: ZoneInfo | None) -> datetime | None:
    day = None if timezone is None else parse_date(text)
    return parse_instant(text) if day is None or timezone is None else start_of_day(day, timezone)


def _refusal(code: str, message: str, hint: str) -> InstantRefused:
    return InstantRefused(f"{message}; {hint}.", [Finding(code, message, "/as_of", hint)])


def when_asked(as_of: datetime | None) -> str:
    """Return how a refusal names the instant that was asked about: nothing where it was not asked about one.

    >>> when_asked(parse_instant("1997-07-01T00:00:00Z"))
    ' as of 1997-07-01T00:00:00Z'
    """
    return "" if as_of is None else f" as of {write_instant(as_of)}"
