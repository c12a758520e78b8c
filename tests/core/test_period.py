"""Half-open periods and local months: no instant is in two months, and none in no month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.instants import parse_instant, start_of_day, write_instant
from app.core.period import (
    EVER,
    WINDOWS,
    Period,
    Window,
    first_day_of,
    month_from,
    month_name,
    month_of,
    next_month,
    parse_month,
    window_of,
)
from tests.builders.zones import MICROSECOND, any_instant, zones_and_instants

NEW_YORK, ST_JOHNS = ZoneInfo("America/New_York"), ZoneInfo("America/St_Johns")


def test_the_start_is_in_and_the_end_is_not() -> None:
    start, end = datetime(1997, 7, 1, tzinfo=UTC), datetime(1997, 8, 1, tzinfo=UTC)
    period = Period(start, end)
    assert [at in period for at in (start - MICROSECOND, start, end - MICROSECOND, end)] == [False, True, True, False]
    assert start not in Period(start, start)


@pytest.mark.parametrize(("text", "first"), [("1997-07", date(1997, 7, 1)), ("1996-12", date(1996, 12, 1)), ("0002-01", date(2, 1, 1)), ("9998-12", date(9998, 12, 1))])  # fmt: skip
def test_a_month_is_read(text: str, first: date) -> None:
    assert parse_month(text) == first


@pytest.mark.parametrize(
    "text", ["", "1997", "1997-7", "1997-00", "1997-13", "1997-07-01", " 1997-07", "1997-07\n", "１997-07", "0000-01", "0001-01", "9999-12", "July"]
)  # fmt: skip
def test_anything_else_is_no_month(text: str) -> None:
    assert parse_month(text) is None


@given(st.text())
@settings(deadline=None)
def test_no_text_is_a_fault(text: str) -> None:
    parse_month(text)


@pytest.mark.parametrize(
    ("month", "start", "end", "hours"),
    [
        ("1997-04", "1997-04-01T05:00:00Z", "1997-05-01T04:00:00Z", 719),  # clocks go forward on the 6th
        ("1997-07", "1997-07-01T04:00:00Z", "1997-08-01T04:00:00Z", 744),
        ("1997-10", "1997-10-01T04:00:00Z", "1997-11-01T05:00:00Z", 745),  # and back on the 26th
        ("1997-12", "1997-12-01T05:00:00Z", "1998-01-01T05:00:00Z", 744),
        ("2000-02", "2000-02-01T05:00:00Z", "2000-03-01T05:00:00Z", 696),
    ],
)
def test_a_month_of_new_york(month: str, start: str, end: str, hours: int) -> None:
    period = month_from(parse_month(month) or date.min, NEW_YORK)
    assert (write_instant(period.start), write_instant(period.end)) == (start, end)
    assert (period.end - period.start).total_seconds() == hours * 3600


def test_december_is_followed_by_january() -> None:
    assert next_month(date(1997, 12, 1)) == date(1998, 1, 1)
    assert next_month(date(1997, 1, 1)) == date(1997, 2, 1)


# In 2009 St John's went from 00:01 on 1 November back to 23:01 on 31 October.
@pytest.mark.parametrize(
    ("at", "clock", "month"),
    [
        ("2009-11-01T02:29:59.999999Z", "10-31 23:59", "2009-10"),
        ("2009-11-01T02:30:00Z", "11-01 00:00", "2009-11"),
        ("2009-11-01T02:31:00Z", "10-31 23:01", "2009-11"),
        ("2009-11-01T03:29:59.999999Z", "10-31 23:59", "2009-11"),
        ("2009-11-01T03:30:00Z", "11-01 00:00", "2009-11"),
    ],
)
def test_an_hour_that_shows_the_old_month_again_is_in_the_new_one(at: str, clock: str, month: str) -> None:
    instant = parse_instant(at)
    assert instant is not None
    assert instant.astimezone(ST_JOHNS).strftime("%m-%d %H:%M") == clock
    assert month_name(month_of(instant, ST_JOHNS), ST_JOHNS) == month


@given(zones_and_instants())
@example((ST_JOHNS, datetime(2009, 11, 1, 3, 0, tzinfo=UTC)))
@example((ZoneInfo("Asia/Tokyo"), datetime(9998, 12, 31, 23, tzinfo=UTC)))
@example((NEW_YORK, datetime(2, 1, 1, tzinfo=UTC)))
@settings(deadline=None, max_examples=200)
def test_every_instant_is_in_exactly_the_month_it_is_said_to_be_in(given_: tuple[ZoneInfo, datetime]) -> None:
    timezone, instant = given_
    month = month_of(instant, timezone)
    assert instant in month
    first = parse_month(month_name(month, timezone)) or instant.astimezone(timezone).date().replace(day=1)
    assert month == month_from(first, timezone)
    assert month.end == month_from(next_month(first), timezone).start
    assert month_of(month.start, timezone) == month == month_of(month.end - MICROSECOND, timezone)


@given(st.integers(2, 9998), st.integers(1, 12), st.sampled_from([NEW_YORK, ST_JOHNS, ZoneInfo("Asia/Tokyo")]))
@settings(deadline=None)
def test_a_month_is_named_as_it_is_read(year: int, month: int, timezone: ZoneInfo) -> None:
    text = f"{year:04}-{month:02}"
    first = parse_month(text)
    assert first is not None
    assert month_name(month_from(first, timezone), timezone) == text
    assert month_from(first, timezone).start == start_of_day(first, timezone)


@given(any_instant, any_instant, any_instant)
@settings(deadline=None)
def test_two_periods_that_meet_share_no_instant(one: datetime, other: datetime, third: datetime) -> None:
    start, middle, end = sorted((one, other, third))
    for at in (one, other, third):
        assert (at in Period(start, end)) == ((at in Period(start, middle)) + (at in Period(middle, end)) == 1)


# --------------------------------------------------------------------- windows

LASTING = tuple(window for window in WINDOWS if window not in ("event", "contract"))


@pytest.mark.parametrize(
    ("window", "day", "first"),
    [
        ("day", "1997-07-02", "1997-07-02"),
        ("week", "1997-07-06", "1997-06-30"),  # a Sunday belongs to the week of the Monday before
        ("week", "1997-07-07", "1997-07-07"),
        ("month", "1997-07-31", "1997-07-01"),
        ("quarter", "1997-03-31", "1997-01-01"),
        ("quarter", "1997-04-01", "1997-04-01"),
        ("quarter", "1997-12-31", "1997-10-01"),
        ("contract_year", "1997-03-14", "1996-03-15"),
        ("contract_year", "1997-03-15", "1997-03-15"),
        ("contract_year", "1995-01-01", "1994-03-15"),
    ],
)
def test_the_first_day_of_a_window(window: Window, day: str, first: str) -> None:
    anchor = date(1996, 3, 15)
    assert first_day_of(window, date.fromisoformat(day), anchor) == date.fromisoformat(first)


def test_a_contract_of_the_29th_of_february_has_years_that_come_back_to_it() -> None:
    anchor = date(2024, 2, 29)
    starts = [first_day_of("contract_year", date(year, 12, 31), anchor) for year in range(2024, 2030)]
    assert [each.isoformat()[5:] for each in starts] == ["02-29", "02-28", "02-28", "02-28", "02-29", "02-28"]
    assert first_day_of("contract_year", date(2028, 2, 28), anchor) == date(2027, 2, 28)


@given(zones_and_instants(), st.sampled_from(LASTING), st.dates(date(1960, 1, 1), date(2060, 12, 31)))
@settings(deadline=None)
def test_an_instant_is_in_its_window_and_windows_follow_each_other(
    zone_and_instant: tuple[ZoneInfo, datetime], window: Window, anchor: date
) -> None:
    zone, instant = zone_and_instant
    if not 3 < instant.year < 9990:
        return
    found = window_of(window, instant, zone, anchor)
    assert instant in found
    assert window_of(window, found.start, zone, anchor) == found
    assert window_of(window, found.end - MICROSECOND, zone, anchor) == found
    following = window_of(window, found.end, zone, anchor)
    assert following.start == found.end
    assert following.end > following.start
    # A naive look at local dates agrees but for the hour that the clock shows twice.
    local = instant.astimezone(zone).date()
    first = found.start.astimezone(zone).date()
    assert first <= local + timedelta(days=1)


def test_the_window_of_a_contract_has_no_ends() -> None:
    assert window_of("contract", datetime(1997, 7, 1, tzinfo=UTC), NEW_YORK) == EVER
