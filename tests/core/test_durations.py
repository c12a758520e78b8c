"""Durations are read in every spelling they may have, and written in one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.durations import length_micros, parse_duration, write_duration


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("PT0S", "PT0S"),
        ("P0D", "PT0S"),
        ("P2W", "P14D"),
        ("P1DT24H", "P2D"),
        ("PT90M", "PT1H30M"),
        ("PT3600S", "PT1H"),
        ("PT10.500S", "PT10.5S"),
        ("PT0.000001S", "PT0.000001S"),
        ("PT100S", "PT1M40S"),
        ("P10DT20S", "P10DT20S"),
    ],
)
def test_one_length_has_one_written_form(text: str, written: str) -> None:
    length = parse_duration(text)
    assert length is not None
    assert write_duration(length) == written
    assert parse_duration(written) == length


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=999_999_999)))
def test_what_is_written_is_read_back(length: timedelta) -> None:
    assert parse_duration(write_duration(length)) == length
    assert timedelta(microseconds=length_micros(length)) == length


def test_a_length_beyond_what_can_be_held_is_none() -> None:
    assert parse_duration("P999999999D") is not None
    assert parse_duration("P999999999W") is None
    assert parse_duration("P999999999DT24H") is None
