"""Which version is in force: a look-up equals a scan of all rows, on both sides of every boundary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.timeline import Span, in_force, timeline, was_known
from tests.builders.zones import MICROSECOND

DAY = timedelta(days=1)
MONDAY = datetime(1997, 6, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A version as the table keeps it."""

    name: str
    effective_from: datetime
    recorded_at: datetime | None
    retired_at: datetime | None = None


def scan(rows: list[Row], at: datetime, as_of: datetime) -> Row | None:
    """Return the version in force, by its definition: of what was known, the last that had started."""
    best: Row | None = None
    for row in rows:
        if row.recorded_at is None or row.recorded_at > as_of:
            continue
        if row.retired_at is not None and row.retired_at <= as_of:
            continue
        if row.effective_from > at:
            continue
        if best is None or (row.effective_from, row.recorded_at) > (best.effective_from, best.recorded_at):
            best = row
    return best


# Few distinct instants, a microsecond apart, so that boundaries coincide often.
_INSTANTS = [MONDAY + day * DAY + off * MICROSECOND for day in range(6) for off in (-1, 0, 1)]
instants = st.sampled_from(_INSTANTS)


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows as they can be: a start and a record are one row, a row is retired after it was recorded."""
    keys = draw(st.lists(st.tuples(instants, st.none() | instants), unique=True, max_size=10))
    rows = []
    for number, (start, recorded) in enumerate(keys):
        later = [] if recorded is None else [at for at in _INSTANTS if at > recorded]
        retired = draw(st.sampled_from([None, *later]))
        rows.append(Row(f"v{number}", start, recorded, retired))
    return rows


@given(tables(), st.lists(st.tuples(instants, instants), min_size=1, max_size=8))
@settings(deadline=None, max_examples=150)
def test_a_look_up_equals_a_scan_of_all_rows(rows: list[Row], questions: list[tuple[datetime, datetime]]) -> None:
    for at, as_of in questions:
        spans = timeline(rows, as_of)
        assert in_force(spans, at) == scan(rows, at, as_of)
        covering = [span for span in spans if span.since <= at and (span.until is None or at < span.until)]
        assert [span.version for span in covering] == [row for row in [scan(rows, at, as_of)] if row]


@given(tables(), instants, st.randoms())
@settings(deadline=None)
def test_spans_meet_and_do_not_depend_on_the_order_of_rows(rows: list[Row], as_of: datetime, random: object) -> None:
    spans = timeline(rows, as_of)
    assert all(one.until == other.since for one, other in pairwise(spans))
    assert all(span.until is None or span.since < span.until for span in spans)
    assert not spans or spans[-1].until is None
    assert timeline(reversed(rows), as_of) == spans


@given(tables(), instants, instants)
@settings(deadline=None)
def test_a_later_approval_does_not_change_what_was_known_before(rows: list[Row], as_of: datetime, at: datetime) -> None:
    known = in_force(timeline(rows, as_of), at)
    later = Row("later", at, as_of + MICROSECOND)
    retired = [
        replace(row, retired_at=as_of + MICROSECOND) if row.recorded_at and row.recorded_at <= as_of and not row.retired_at else row
        for row in rows
    ]  # fmt: skip
    assert in_force(timeline([*rows, later], as_of), at) == known
    found = in_force(timeline(retired, as_of), at)
    assert (found and found.name) == (known and known.name)


@pytest.mark.parametrize(("off", "name"), [(-1, "first"), (0, "second"), (1, "second")])
def test_a_start_is_inclusive_and_ends_the_former_version_to_the_microsecond(off: int, name: str) -> None:
    rows = [Row("second", MONDAY + DAY, MONDAY), Row("first", MONDAY, MONDAY)]
    found = in_force(timeline(rows, MONDAY), MONDAY + DAY + off * MICROSECOND)
    assert found is not None
    assert found.name == name


def test_nothing_is_in_force_before_the_first_start() -> None:
    spans = timeline([Row("first", MONDAY, MONDAY)], MONDAY)
    assert in_force(spans, MONDAY - MICROSECOND) is None
    assert in_force([], MONDAY) is None
    assert spans == [Span(Row("first", MONDAY, MONDAY), MONDAY, None)]


@pytest.mark.parametrize(("off", "known"), [(-1, False), (0, True), (1, True)])
def test_a_version_is_known_from_its_approval_on(off: int, known: bool) -> None:
    assert was_known(Row("a", MONDAY, MONDAY + DAY), MONDAY + DAY + off * MICROSECOND) is known


@pytest.mark.parametrize(("off", "known"), [(-1, True), (0, False), (1, False)])
def test_a_retired_version_is_known_until_then(off: int, known: bool) -> None:
    assert was_known(Row("a", MONDAY, MONDAY, MONDAY + DAY), MONDAY + DAY + off * MICROSECOND) is known


def test_a_draft_is_never_known() -> None:
    assert timeline([Row("draft", MONDAY, None)], MONDAY + 9 * DAY) == []


def test_of_two_approved_at_one_start_the_later_recorded_counts_from_its_record_on() -> None:
    rows = [Row("second", MONDAY, MONDAY + DAY), Row("first", MONDAY, MONDAY)]
    (before,), (after,) = timeline(rows, MONDAY + DAY - MICROSECOND), timeline(rows, MONDAY + DAY)
    assert (before.version.name, after.version.name) == ("first", "second")


def test_a_retired_version_gives_way_to_what_it_had_displaced() -> None:
    rows = [Row("first", MONDAY, MONDAY), Row("second", MONDAY + DAY, MONDAY, MONDAY + 3 * DAY)]
    (span,) = timeline(rows, MONDAY + 3 * DAY)
    assert (span.version.name, span.until) == ("first", None)
