"""Instants and local days: RFC 3339 as published, and the days on which midnight is missing or double."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.instants import micros, parse_date, parse_instant, start_of_day, write_instant, zone
from tests.builders.zones import MICROSECOND, any_instant, zones_and_instants


# The examples of RFC 3339, section 5.8, and of section 4.3 ("-00:00": UTC is known, where it was is not).
@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520000Z"),
        ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z"),
        ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870000Z"),
        ("1997-07-02T14:00:00-00:00", "1997-07-02T14:00:00Z"),
        ("1997-07-02t14:00:00z", "1997-07-02T14:00:00Z"),
        ("1997-07-02T14:00:00.1Z", "1997-07-02T14:00:00.100000Z"),
        ("1997-07-02T14:00:00.000001Z", "1997-07-02T14:00:00.000001Z"),
        ("1997-07-02T14:00:00.000000Z", "1997-07-02T14:00:00Z"),
        ("1997-07-02T14:00:00+23:59", "1997-07-01T14:01:00Z"),
        ("2000-02-29T23:59:59-14:00", "2000-03-01T13:59:59Z"),
        ("0002-01-01T00:00:00Z", "0002-01-01T00:00:00Z"),
        ("9998-12-31T23:59:59.999999Z", "9998-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_with_an_offset_is_read_and_written_in_one_form(text: str, written: str) -> None:
    instant = parse_instant(text)
    assert instant is not None
    assert instant.tzinfo is UTC
    assert write_instant(instant) == written


@pytest.mark.parametrize("digits", range(1, 7))
def test_up_to_six_digits_after_the_point_are_kept(digits: int) -> None:
    fraction = "123456"[:digits]
    instant = parse_instant(f"1997-07-02T14:00:00.{fraction}Z")
    assert instant is not None
    assert instant.microsecond == int(fraction.ljust(6, "0"))


@pytest.mark.parametrize(
    "text",
    [
        "1997-07-02T14:00:00", "1997-07-02", "1997-07-02T14:00Z", "1997-07-02 14:00:00Z", "1997-07-02T14:00:00 Z",
        "19970702T140000Z", "1997-W27-3T14:00:00Z", "1997-183T14:00:00Z", "97-07-02T14:00:00Z", "+1997-07-02T14:00:00Z",
        "1997-07-02T14:00:00,5Z", "1997-07-02T14:00:00.Z", "1997-07-02T14:00:00.1234567Z", "1997-07-02T14:00:00+0400",
        "1997-07-02T14:00:00+04", "1997-07-02T14:00:00+04:00:00", "1997-07-02T14:00:00[Europe/Paris]",
        "1997-07-02T24:00:00Z", "1997-07-02T14:60:00Z", "1997-02-29T14:00:00Z", "1997-13-01T14:00:00Z",
        "1997-07-02T14:00:00+24:00", "1997-07-02T14:00:00+05:60", "1997-07-02T14:00:00+05:75", "1997-07-02T14:00:00+99:99",
        "1997-07-02T14:00:00−04:00", "１997-07-02T14:00:00Z", "1997-07-02T14:00:00Z\n", " 1997-07-02T14:00:00Z", "", "Z",
        "0000-01-01T00:00:00Z", "0001-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "0002-01-01T00:00:00+00:01",
        "9999-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "9998-12-31T23:59:59-00:01",
    ],
)  # fmt: skip
def test_anything_else_is_no_instant(text: str) -> None:
    assert parse_instant(text) is None


# RFC 3339, section 5.8, has these two as valid. No clock of ours can hold a 61st second, and moving it would be a guess.
@pytest.mark.parametrize("text", ["1990-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00"])
def test_a_leap_second_is_refused(text: str) -> None:
    assert parse_instant(text) is None


@given(st.text() | st.text("0123456789-:.TtZz+ ", max_size=40))
@settings(deadline=None, max_examples=300)
def test_no_text_is_a_fault(text: str) -> None:
    parse_instant(text)
    parse_date(text)
    zone(text)


@given(any_instant, st.integers(-1439, 1439))
@settings(deadline=None)
def test_what_is_written_is_read_back_from_any_offset(instant: datetime, minutes: int) -> None:
    assert parse_instant(write_instant(instant)) == instant
    sign, (hours, rest) = "+-"[minutes < 0], divmod(abs(minutes), 60)
    local = (instant + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat()
    assert parse_instant(f"{local}{sign}{hours:02}:{rest:02}") == instant


def test_a_naive_time_is_not_written_as_if_the_machine_knew_its_zone() -> None:
    with pytest.raises(AssertionError, match="naive"):
        write_instant(datetime(1997, 7, 2, 14))  # noqa: DTZ001


@given(any_instant, any_instant)
@settings(deadline=None)
def test_microseconds_keep_distance_and_order(one: datetime, other: datetime) -> None:
    assert timedelta(microseconds=micros(one) - micros(other)) == one - other
    assert micros(datetime(1970, 1, 1, tzinfo=UTC) - MICROSECOND) == -1


@pytest.mark.parametrize("text", ["1997-07-02", "2000-02-29", "0001-01-01", "9999-12-31"])
def test_a_date_is_read(text: str) -> None:
    found = parse_date(text)
    assert found is not None
    assert found.isoformat() == text


@pytest.mark.parametrize(
    "text", ["", "1997-7-2", "19970702", "1997-02-29", "1900-02-29", "0000-01-01", "1997-07-02T", "1997-W27-3", "１997-07-02"]
)  # fmt: skip
def test_anything_else_is_no_date(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    "name",
    ["", "localtime", "Factory", "america/new_york", "EDT", "+02:00", "../etc/passwd", "America", "posix/UTC", "x" * 5000, "\0"],
)  # fmt: skip
def test_what_is_no_iana_zone_is_none(name: str) -> None:
    assert zone(name) is None


def test_a_zone_is_one_object_however_often_it_is_asked_for() -> None:
    assert zone("America/New_York") is zone("America/New_York") is not None


# From the IANA time zone database: the first instant of the day, and what the clock then showed.
@pytest.mark.parametrize(
    ("name", "day", "first", "clock"),
    [
        ("America/New_York", "1997-04-06", "1997-04-06T05:00:00Z", "00:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "01:00"),
        ("Asia/Beirut", "2021-03-28", "2021-03-27T22:00:00Z", "01:00"),
        ("Africa/Cairo", "2023-04-28", "2023-04-27T22:00:00Z", "01:00"),
        ("America/Havana", "2023-03-12", "2023-03-12T05:00:00Z", "01:00"),
        ("America/Havana", "2023-11-05", "2023-11-05T04:00:00Z", "00:00"),  # and 00:00 once more at 05:00Z
        ("Atlantic/Azores", "2023-10-29", "2023-10-29T00:00:00Z", "00:00"),  # and once more at 01:00Z
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z", "00:00"),  # 17 February had 23:00 twice
        ("America/St_Johns", "2009-11-01", "2009-11-01T02:30:00Z", "00:00"),  # at 00:01 back to 23:01 of October
        ("Asia/Kathmandu", "1986-01-01", "1985-12-31T18:30:00Z", "00:15"),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "00:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "00:00"),
        ("Pacific/Kwajalein", "1993-08-22", "1993-08-21T12:00:00Z", "00:00"),
        ("America/New_York", "0001-01-01", "0001-01-01T04:56:02Z", "00:00"),
        ("Pacific/Kiritimati", "9999-12-31", "9999-12-30T10:00:00Z", "00:00"),
        ("Etc/GMT+12", "9999-12-31", "9999-12-31T12:00:00Z", "00:00"),
    ],
)
def test_a_day_starts_at_its_first_instant(name: str, day: str, first: str, clock: str) -> None:
    timezone = ZoneInfo(name)
    start = start_of_day(date.fromisoformat(day), timezone)
    assert write_instant(start) == first
    assert start.astimezone(timezone).strftime("%H:%M") == clock


def test_a_day_that_was_skipped_starts_with_the_next() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert start_of_day(date(2011, 12, 30), apia) == start_of_day(date(2011, 12, 31), apia)


def test_the_first_day_of_all_starts_with_time() -> None:
    assert start_of_day(date(1, 1, 1), ZoneInfo("Asia/Tokyo")) == datetime.min.replace(tzinfo=UTC)


@given(zones_and_instants())
@example((ZoneInfo("America/St_Johns"), datetime(2009, 11, 1, 2, 45, tzinfo=UTC)))
@settings(deadline=None, max_examples=200)
def test_a_day_starts_at_the_smallest_instant_with_its_date(given_: tuple[ZoneInfo, datetime]) -> None:
    timezone, instant = given_
    day = instant.astimezone(timezone).date()
    start = start_of_day(day, timezone)
    assert start <= instant
    assert start.astimezone(timezone).date() == day
    assert (start - MICROSECOND).astimezone(timezone).date() < day
    earlier = (start - timedelta(minutes=minutes) for minutes in range(1, 2880, 29))
    assert all(at.astimezone(timezone).date() < day for at in earlier)
