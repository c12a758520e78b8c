"""Contracts at the edges of time: days without a midnight, 29 February, terms from the 31st, year ends, one microsecond."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.submit_version import submit_version
from app.engine.terms import Terms
from app.runtime import Context
from tests.builders.agreements import agreed, percent, rules, shop

MICROSECOND = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def in_force(ctx: Context, instant: datetime, as_of: datetime | None = None) -> int | str:
    found = get_terms(ctx, contract="acme", at=instant, as_of=as_of).terms
    return found.version.number if isinstance(found, Terms) else found.code


def begun(ctx: Context, now: str, start: str, timezone: str = "America/New_York", **said: object) -> Context:
    """Return the context of an instant at which acme is in force from a start on."""
    ctx = ctx.at(at(now))
    shop(ctx, "acme", timezone=timezone)
    agreed(ctx, "acme", start, rules=rules(percent("5")), **said)
    return ctx


def approve_all(ctx: Context, number: int) -> None:
    submit_version(ctx.acting_as("author"), contract="acme", number=number)
    approve_version(ctx.acting_as("approver"), contract="acme", number=number)


# Worked out by hand from the announcements of the changes, not with the product's own tables.
@pytest.mark.parametrize(
    ("timezone", "day", "first"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00+00:00"),  # 00:00 became 01:00 (-02:00)
        ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00+00:00"),  # 00:00 became 01:00 (+03:00)
        ("Africa/Cairo", "2023-04-28", "2023-04-27T22:00:00+00:00"),  # 00:00 became 01:00 (+03:00)
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00+00:00"),  # the day was left out: the 31st, at +14:00
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00+00:00"),
        ("America/New_York", "2027-03-14", "2027-03-14T05:00:00+00:00"),  # the clock changes at 02:00 of that day
        ("America/New_York", "2027-03-15", "2027-03-15T04:00:00+00:00"),
        ("America/New_York", "2027-11-07", "2027-11-07T04:00:00+00:00"),
        ("America/New_York", "2027-11-08", "2027-11-08T05:00:00+00:00"),
        ("Pacific/Kiritimati", "2028-01-01", "2027-12-31T10:00:00+00:00"),  # the first year to begin, +14:00
        ("Pacific/Niue", "2028-01-01", "2028-01-01T11:00:00+00:00"),  # and one of the last, -11:00
        ("Asia/Kathmandu", "2028-01-01", "2027-12-31T18:15:00+00:00"),
        ("America/New_York", "2028-02-29", "2028-02-29T05:00:00+00:00"),
    ],
)
def test_a_version_starts_with_the_first_instant_of_its_day(ctx: Context, timezone: str, day: str, first: str) -> None:
    now = begun(ctx, "2010-01-01T00:00:00+00:00", "2010-06-01", timezone)
    agreed(now, "acme", day, rules=rules(percent("6")))
    assert [in_force(now, at(first) - MICROSECOND), in_force(now, at(first))] == [1, 2]


def test_a_term_that_ends_on_a_day_without_midnight_ends_with_the_first_instant_there_is(ctx: Context) -> None:
    now = begun(ctx, "2018-01-01T00:00:00+00:00", "2018-02-01", "America/Sao_Paulo", ends_on="2018-11-04")
    end = at("2018-11-04T03:00:00+00:00")
    assert [in_force(now, end - MICROSECOND), in_force(now, end)] == [1, "EXPIRED"]
    renewal = draft_renewal(now.acting_as("author"), contract="acme", months=1)
    approve_all(now, renewal.number)
    assert [in_force(now, end - MICROSECOND), in_force(now, end)] == [1, renewal.number]


def test_a_day_that_was_left_out_is_the_day_after_it(ctx: Context) -> None:
    """Whoever starts terms on 30 December 2011 in Samoa and on the 31st has named one instant: the later approval counts."""
    now = begun(ctx, "2011-01-01T00:00:00+00:00", "2011-02-01", "Pacific/Apia")
    agreed(now, "acme", "2011-12-30", rules=rules(percent("6")))
    agreed(now.at(at("2011-01-02T00:00:00+00:00")), "acme", "2011-12-31", rules=rules(percent("7")))
    later = now.at(at("2011-01-03T00:00:00+00:00"))
    first = at("2011-12-30T10:00:00+00:00")
    assert [in_force(later, first - MICROSECOND), in_force(later, first)] == [1, 3]


@pytest.mark.parametrize(
    ("ends_on", "months", "ends"),
    [
        ("2027-01-31", 1, ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]),
        ("2028-01-31", 1, ["2028-02-29", "2028-03-31", "2028-04-30"]),
        ("2027-01-31", 2, ["2027-03-31", "2027-05-31", "2027-07-31"]),
        ("2027-12-31", 2, ["2028-02-29", "2028-04-30", "2028-06-30"]),
        ("2027-01-31", 12, ["2028-01-31", "2029-01-31"]),
        ("2027-01-31", 13, ["2028-02-29", "2029-03-31", "2030-04-30"]),
        ("2028-02-29", 12, ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2027-12-31", 1, ["2028-01-31", "2028-02-29", "2028-03-31"]),
    ],
)
def test_terms_are_counted_in_whole_months_from_their_first_end(
    ctx: Context, ends_on: str, months: int, ends: list[str]
) -> None:
    """The 31st comes back after a shorter month, and 29 February after three years without one."""
    term = {"mode": "fixed", "months": months}
    now = begun(ctx, "2026-11-01T00:00:00+00:00", "2026-12-01", ends_on=ends_on, renewal=term)
    found = []
    for day in range(len(ends)):
        now = now.at(now.now() + timedelta(days=day + 1))
        renewal = draft_renewal(now.acting_as("author"), contract="acme")
        approve_all(now, renewal.number)
        assert renewal.ends_on is not None
        found.append(renewal.ends_on.isoformat())
    assert found == ends
    shown = get_terms(now, contract="acme").history.spans
    assert [span.since.date() for span in shown[1:]] == [date.fromisoformat(day) for day in (ends_on, *ends)]


@pytest.mark.parametrize(
    ("timezone", "last"),
    [("Pacific/Kiritimati", "2027-12-31T23:59:59.999999+14:00"), ("Pacific/Niue", "2027-12-31T23:59:59.999999-11:00")],
)
def test_the_last_microsecond_of_a_year_is_of_that_year(ctx: Context, timezone: str, last: str) -> None:
    now = begun(ctx, "2027-01-01T00:00:00+00:00", "2027-02-01", timezone)
    agreed(now, "acme", last, rules=rules(percent("6")))
    agreed(now, "acme", "2028-01-01", rules=rules(percent("7")))
    found = [in_force(now, at(last) + step * MICROSECOND) for step in (-1, 0, 1)]
    assert found == [1, 2, 3]


def test_a_promotion_may_last_one_microsecond(ctx: Context) -> None:
    now = begun(ctx, "2027-01-01T00:00:00+00:00", "2027-02-01")
    start = at("2027-11-26T05:00:00+00:00")
    drafted = draft_promotion(
        now.acting_as("author"),
        contract="acme",
        effective_from="2027-11-26",
        until="2027-11-26T05:00:00.000001Z",
        rules={"payout": percent("50")},
    )
    approve_all(now, drafted[0].number)
    assert [in_force(now, start + step * MICROSECOND) for step in (-1, 0, 1)] == [1, 2, 3]
    restored = get_terms(now, contract="acme", at=start + MICROSECOND).terms
    assert isinstance(restored, Terms)
    assert restored.payout_body.otherwise.rate == 5  # type: ignore[union-attr]


def test_a_version_is_known_from_the_instant_of_its_approval(ctx: Context) -> None:
    now = begun(ctx, "2027-01-01T00:00:00+00:00", "2027-01-01")
    approved = now.at(at("2027-03-01T10:00:00.000001+00:00"))
    agreed(approved, "acme", "2027-02-01", rules=rules(percent("6")))
    known_at, then = approved.now(), at("2027-02-15T00:00:00+00:00")
    later = approved.at(known_at + MICROSECOND)
    assert [in_force(later, then, known_at + step * MICROSECOND) for step in (-1, 0, 1)] == [1, 2, 2]


@pytest.mark.parametrize("change", ["2027-03-14T07:00:00+00:00", "2027-11-07T06:00:00+00:00"])
def test_starts_on_both_sides_of_a_clock_change_are_two_instants(ctx: Context, change: str) -> None:
    """In autumn 01:59:59 and the second 01:00:00 show the same hour twice; written with their offsets they differ."""
    now = begun(ctx, "2027-01-01T00:00:00+00:00", "2027-01-02")
    hour = timedelta(hours=1)
    starts = [at(change) - hour, at(change) - MICROSECOND, at(change), at(change) + hour]
    for start in starts:
        agreed(now, "acme", start.isoformat(), rules=rules(percent("6")))
    assert [in_force(now, start) for start in starts] == [2, 3, 4, 5]
    assert [in_force(now, start - MICROSECOND) for start in starts] == [1, 2, 3, 4]
