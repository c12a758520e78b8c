"""Zones and the instants at which their clocks change, where every mistake about days and months hides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

from app.core.instants import zone

ZONES = sorted(name for name in available_timezones() if zone(name) is not None)
# Changes at midnight, at 00:01, of half hours and of whole days, in both directions.
TRICKY = (
    "Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Goose_Bay", "America/Havana", "America/New_York",
    "America/Nuuk", "America/Phoenix", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns", "Antarctica/Troll",
    "Asia/Amman", "Asia/Beirut", "Asia/Gaza", "Asia/Kathmandu", "Asia/Pyongyang", "Asia/Tehran", "Atlantic/Azores",
    "Australia/Lord_Howe", "Europe/London", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Kwajalein",
)  # fmt: skip
MICROSECOND = timedelta(microseconds=1)
_SINCE, _UNTIL, _STEP = datetime(1920, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC), timedelta(days=10)


@cache
def clock_changes(timezone: ZoneInfo) -> list[datetime]:
    """Return the instants, to the second, at which a zone's offset changed."""
    found = []
    at, former = _SINCE, _SINCE.astimezone(timezone).utcoffset()
    while at < _UNTIL:
        offset = (at + _STEP).astimezone(timezone).utcoffset()
        if offset != former:
            found.append(_change_in(at, at + _STEP, timezone))
        at, former = at + _STEP, offset
    return found


def _change_in(low: datetime, high: datetime, timezone: ZoneInfo) -> datetime:
    former = low.astimezone(timezone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(timezone).utcoffset() == former:
            low = middle
        else:
            high = middle
    return high


any_instant = st.datetimes(datetime(1900, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def _near_a_change(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    timezone = ZoneInfo(draw(st.sampled_from(TRICKY)))
    near = st.sampled_from([timedelta(0), -MICROSECOND, MICROSECOND]) | st.timedeltas(timedelta(-2), timedelta(2))
    return timezone, draw(st.sampled_from(clock_changes(timezone))) + draw(near)


def zones_and_instants() -> st.SearchStrategy[tuple[ZoneInfo, datetime]]:
    """Any zone at any instant, or a tricky one on, just before or a little around a change of its clocks."""
    return st.tuples(st.sampled_from(ZONES).map(ZoneInfo), any_instant) | _near_a_change()
