"""Settlement terms: which instants holds, locks and deadlines come to, in the contract's zone and across clock changes."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.instants import parse_instant, write_instant
from app.core.period import EVER
from app.engine.settlement import (
    LOCK_KINDS,
    NOTHING_AGREED,
    Lock,
    LockKind,
    Settlement,
    held_until,
    lock_at,
    read_settlement,
    settlement_data,
    settlement_from,
    submission_deadline,
)
from app.engine.settlement_words import lock_words, settlement_words
from tests.builders.zones import MICROSECOND, zones_and_instants

NEW_YORK, APIA, SAO_PAULO = ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia"), ZoneInfo("America/Sao_Paulo")


def at(text: str) -> datetime:
    found = parse_instant(text)
    assert found is not None, text
    return found


def locks(kind: LockKind, number: int, event: str, zone: ZoneInfo = NEW_YORK) -> str:
    found = lock_at(Settlement(lock=Lock(kind, number)), at(event), zone)
    assert found is not None
    return write_instant(found)


@pytest.mark.parametrize(("kind", "number", "event", "locked"), [
    # Ten days after the end of March, whenever in March it was; New York is at -5 until 8 March and at -4 then.
    ("month_end_days", 10, "2026-03-01T05:00:00Z", "2026-04-10T04:00:00Z"),
    ("month_end_days", 10, "2026-04-01T03:59:59.999999Z", "2026-04-10T04:00:00Z"),
    ("month_end_days", 10, "2026-04-01T04:00:00Z", "2026-05-10T04:00:00Z"),
    ("month_end_days", 1, "2026-03-31T12:00:00Z", "2026-04-01T04:00:00Z"),
    ("month_end_days", 60, "2025-12-31T12:00:00Z", "2026-03-01T05:00:00Z"),
    # The 15th of the next month; the 31st is the last day of a shorter one.
    ("day_of_month", 15, "2026-03-31T12:00:00Z", "2026-04-15T04:00:00Z"),
    ("day_of_month", 31, "2026-03-31T12:00:00Z", "2026-04-30T04:00:00Z"),
    ("day_of_month", 31, "2027-01-31T12:00:00Z", "2027-02-28T05:00:00Z"),
    ("day_of_month", 31, "2028-01-31T12:00:00Z", "2028-02-29T05:00:00Z"),
    ("day_of_month", 1, "2025-12-31T23:00:00Z", "2026-01-01T05:00:00Z"),
    ("day_of_month", 1, "2026-01-01T04:59:59Z", "2026-01-01T05:00:00Z"),
    # The same local time later, though a day of 23 hours lies between; so ten days are not 240 hours.
    ("event_days", 10, "2026-03-01T15:00:00Z", "2026-03-11T14:00:00Z"),
    ("event_days", 1, "2026-10-31T16:00:00Z", "2026-11-01T17:00:00Z"),
    ("event_days", 0, "2026-03-01T15:00:00Z", "2026-03-01T15:00:00Z"),
    # 02:30 does not happen on 8 March: it is 03:30 then. 01:30 happens twice on 1 November: the first one is meant.
    ("event_days", 1, "2026-03-07T07:30:00Z", "2026-03-08T07:30:00Z"),
    ("event_days", 1, "2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z"),
    ("event_days", 1, "2026-11-01T06:30:00Z", "2026-11-02T06:30:00Z"),
])  # fmt: skip
def test_a_lock_is_at_a_local_time(kind: LockKind, number: int, event: str, locked: str) -> None:
    assert locks(kind, number, event) == locked


def test_a_day_that_begins_at_one_or_does_not_exist_locks_with_its_first_instant() -> None:
    # 4 November 2018 began at 01:00 in São Paulo, and 30 December 2011 was skipped in Apia, whose offset went from -10 to +14.
    assert locks("month_end_days", 4, "2018-10-20T12:00:00Z", SAO_PAULO) == "2018-11-04T03:00:00Z"
    assert locks("month_end_days", 30, "2011-11-20T12:00:00Z", APIA) == "2011-12-30T10:00:00Z"
    assert locks("month_end_days", 31, "2011-11-20T12:00:00Z", APIA) == "2011-12-30T10:00:00Z"


def test_nothing_agreed_comes_to_no_date() -> None:
    event = at("2026-03-01T15:00:00Z")
    for resolve in (lock_at, held_until, submission_deadline):
        assert resolve(NOTHING_AGREED, event, NEW_YORK) is None


def test_a_hold_and_a_deadline_are_local_times_after_the_event() -> None:
    settlement, event = Settlement(hold_days=30, submit_within_days=90), at("2026-03-01T15:00:00Z")
    assert held_until(settlement, event, NEW_YORK) == at("2026-03-31T14:00:00Z")
    assert submission_deadline(settlement, event, NEW_YORK) == at("2026-05-30T14:00:00Z")


def test_the_end_of_time_is_no_fault() -> None:
    last = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
    for kind in ("month_end_days", "event_days"):
        assert lock_at(Settlement(lock=Lock(kind, 3_660)), last, NEW_YORK) == EVER.end  # type: ignore[arg-type]
    assert lock_words(Settlement(lock=Lock("event_days", 3_660)), last, NEW_YORK).startswith("the end of time")


@given(zones_and_instants(), st.sampled_from(LOCK_KINDS), st.integers(1, 31))
def test_month_locks_fall_on_the_day_that_a_calendar_says(
    where: tuple[ZoneInfo, datetime], kind: LockKind, number: int
) -> None:
    zone, event = where
    found = lock_at(Settlement(lock=Lock(kind, number)), event, zone)
    assert found is not None
    day, local = event.astimezone(zone).date(), found.astimezone(zone)
    if kind == "event_days":
        # Twenty-three to twenty-five hours a day, but where a whole day was skipped or lived twice.
        assert abs(found - event - timedelta(days=number)) <= timedelta(hours=26)
        return
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    length = monthrange(year, month)[1]
    said = date(year, month, 1) + timedelta(days=(number if kind == "month_end_days" else min(number, length)) - 1)
    # A month that begins twice (clocks went back over midnight) counts from its last beginning; a skipped day is the next.
    allowed = {said, said + timedelta(days=1)} | _a_month_on(said, kind, number)
    assert local.date() in allowed
    assert (found - MICROSECOND).astimezone(zone).date() != local.date()


def _a_month_on(day: date, kind: LockKind, number: int) -> set[date]:
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    if kind == "day_of_month":
        return {date(year, month, min(number, monthrange(year, month)[1]))}
    first = day - timedelta(days=number - 1)
    year, month = (first.year, first.month + 1) if first.month < 12 else (first.year + 1, 1)
    return {date(year, month, 1) + timedelta(days=number - 1)}


@given(zones_and_instants(), st.sampled_from(("month_end_days", "day_of_month")), st.integers(1, 31), st.timedeltas(timedelta(0), timedelta(40)))  # fmt: skip
def test_what_happens_later_does_not_lock_earlier(
    where: tuple[ZoneInfo, datetime], kind: LockKind, number: int, later: timedelta
) -> None:
    zone, event = where
    settlement = Settlement(lock=Lock(kind, number))
    one, two = lock_at(settlement, event, zone), lock_at(settlement, event + later, zone)
    assert one is not None
    assert two is not None
    assert event <= one <= two


WHOLE: dict[str, Any] = {
    "hold_days": 30,
    "lock": {"month_end_days": 10},
    "submit_within_days": 90,
    "fx": {"date": "fixed", "rates": {"EUR": "1.1", "JPY": "0.0067"}},
    "after_lock": "release",
}


def test_terms_are_read_and_written_in_one_form() -> None:
    read = read_settlement(WHOLE)
    assert isinstance(read, Settlement)
    assert settlement_data(read) == WHOLE
    assert settlement_from(WHOLE) == read
    usual = read_settlement({"after_lock": "keep", "lock": {"day_of_month": 31}})
    assert isinstance(usual, Settlement)
    assert settlement_data(usual) == {"lock": {"day_of_month": 31}}
    assert settlement_data(NOTHING_AGREED) is None
    assert settlement_from(None) == NOTHING_AGREED == read_settlement({})


@pytest.mark.parametrize(("given_as", "found"), [
    ("30", ("wrong_type", "/settlement")),
    ({"holds": 3}, ("unknown_key", "/settlement/holds")),
    ({"hold_days": 0}, ("out_of_range", "/settlement/hold_days")),
    ({"hold_days": None}, ("out_of_range", "/settlement/hold_days")),
    ({"hold_days": True}, ("out_of_range", "/settlement/hold_days")),
    ({"submit_within_days": "90"}, ("out_of_range", "/settlement/submit_within_days")),
    ({"lock": {}}, ("wrong_type", "/settlement/lock")),
    ({"lock": {"month_end_days": 10, "event_days": 3}}, ("wrong_type", "/settlement/lock")),
    ({"lock": {"month_end_days": 0}}, ("out_of_range", "/settlement/lock/month_end_days")),
    ({"lock": {"day_of_month": 32}}, ("out_of_range", "/settlement/lock/day_of_month")),
    ({"lock": {"day": 3}}, ("unknown_key", "/settlement/lock/day")),
    ({"lock": {"event_days": 3_661}}, ("out_of_range", "/settlement/lock/event_days")),
    ({"after_lock": "release"}, ("missing_key", "/settlement/after_lock")),
    ({"after_lock": "drop", "lock": {"event_days": 3}}, ("unknown_choice", "/settlement/after_lock")),
    ({"fx": {"date": "lock"}}, ("missing_key", "/settlement/fx/date")),
    ({"fx": {"date": "fixed"}}, ("missing_key", "/settlement/fx")),
    ({"fx": {"date": "fixed", "rates": {"EUR": "0"}}}, ("out_of_range", "/settlement/fx/rates/EUR")),
    ({"fx": {"date": "fixed", "rates": {"euro": "1"}}}, ("wrong_type", "/settlement/fx/rates/euro")),
    ({"fx": {"date": "event", "rates": []}}, ("wrong_type", "/settlement/fx/rates")),
])  # fmt: skip
def test_a_mistake_is_named_where_it_stands(given_as: Any, found: tuple[str, str]) -> None:
    read = read_settlement(given_as)
    assert isinstance(read, list)
    assert [(finding.code, finding.pointer) for finding in read] == [found]


def test_terms_and_dates_are_said_as_people_do() -> None:
    assert settlement_words(None) == "none"
    assert settlement_words(WHOLE) == (
        "held for 30 days; locks 10 days after the end of the month; to be submitted within 90 days of the event; currencies "
        "converted at the rate agreed: EUR 1.1, JPY 0.0067; reversals after the lock give back room in tiers and limits"
    )
    event = at("2026-03-12T15:00:00Z")
    said = {kind: lock_words(Settlement(lock=Lock(kind, 10)), event, NEW_YORK) for kind in LOCK_KINDS}
    assert said == {
        "month_end_days": "10 April 2026 00:00 America/New_York: 10 days after the end of March",
        "day_of_month": "10 April 2026 00:00 America/New_York: day 10 of the month after March",
        "event_days": "22 March 2026 11:00 America/New_York: 10 days after 12 March 2026 11:00",
    }
