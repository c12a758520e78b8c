"""Values at which engines and computers differ, as raw JSON: text that is more than it seems, numbers at their limits."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

from tests.builders.zones import TRICKY, clock_changes

NAMES = (
    "order", "select", "SELECT", "Select", "plan", "Plan", "PLAN", "null", "true", 'a"b', "a'b", "a b", "", " ", "é", "e\u0301",
    "🎁", "$s", "$1", "?", "id", "ID", "sid", "label", "exception", "go", "end", "f0", "F0", "p0", "d0", "r0", "row_number",
    "item", "items", "facts", "each_row", "--", "/*", ";", "a.b", "x" * 200, "x" * 201, "a\nb", "名", "ı", "i", "İ", "I", "%s", "\\",
)  # fmt: skip
TEXTS = (
    "US", "us", "Us", "U", "USA", "", " ", "US ", " US", "é", "e\u0301", "E\u0301te\u0301", "ﬁ", "fi", "ß", "ss", "SS", "İ", "i", "ı", "I",
    "\u212a", "K", "\u212b", "Å", "\u1112\u1161\u11ab", "한", "日本", "日", "🎁", "🎁🎁", "👨\u200d👩\u200d👧", "👨", "\u200b", "a\u200bb", "ab",
    "\u05e9\u05dc\u05d5\u05dd", "\u202eabc", "abc", "it's", "it''s", "'", '"', '""', "\\", "\\\\", "\\'", "\\n", "\\u0041", "A", "%", "_", "a%b",
    "a_b", "axb", "a*b", "a?b", "NULL", "null", "true", "1", "1.0", "01", "1e0", "𝒳", "?", "$1", "{}", "[]", "--", "/*", ";", "\u00a0", "\u2028",
    "\ufeff", "\ufeffUS", "\ue000", "\U0010ffff", "x" * 1024, "x" * 1023 + "y", "é" * 512, "🎁" * 1024, "a, b", "a", "b",
)  # fmt: skip
LARGEST = 2**62 - 1
WHOLE = (0, 1, -1, 99, 100, 2**31, -(2**31), 2**32, 2**53, 2**53 + 1, -(2**53) - 1, 2**61, LARGEST, -LARGEST, 10**15)
MOMENTS = (timedelta(0), timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(days=1))
NEXT = timedelta(microseconds=1)
EARLIEST, LATEST = "0002-01-01T00:00:00Z", "9998-12-31T23:59:59.999999Z"


def texts(random: Random) -> list[str]:
    """Return a few texts, some of them parts of others."""
    drawn = random.sample(TEXTS, random.randint(2, 5))
    return [*drawn, drawn[0][:-1], (drawn[0] + drawn[1])[:1024]]


def integers(random: Random) -> list[str]:
    """Return a few whole numbers and their neighbours."""
    drawn = [random.choice((*WHOLE, random.randint(-LARGEST, LARGEST))) for _ in range(2)]
    return [str(number) for at in drawn for number in (at - 1, at, at + 1) if abs(number) <= LARGEST]


def decimals(random: Random) -> list[str]:
    """Return a few decimals and their neighbours, a millionth away; some with zeros that mean nothing."""
    return [_millionths(int(number)) for number in integers(random)] + random.sample(
        ["0", "-0", "0.000001", "-0.000001", "0.1", "0.10", "0.3", "1.000000000", "99.999999", "100.00"], 3
    )


def dates(random: Random) -> list[str]:
    """Return a day on which clocks change, the days beside it, and an end of the calendar."""
    day = random.choice((a_change(random)[1].date(), date(2024, 2, 29), date(1900, 3, 1), date(1970, 1, 1)))
    near = [(day + timedelta(days=n)).isoformat() for n in (-1, 0, 1)]
    return [*near, random.choice(["0001-01-01", "9999-12-31", "0099-02-28"])]


def instants(random: Random) -> list[str]:
    """Return instants around a change of clocks, in any offset, and an end of time."""
    change = a_change(random)[1]
    offset = timezone(timedelta(minutes=random.choice([-690, -240, 0, 330, 840])))
    near = [(change + step).astimezone(offset).isoformat() for step in (-NEXT, 0 * NEXT, NEXT, random.choice(MOMENTS))]
    return [*near, random.choice([EARLIEST, LATEST, "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z"])]


def durations(random: Random) -> list[str]:
    """Return lengths of time a microsecond apart, and the longest there is."""
    micros = random.choice([0, 60_000_000, 86_400_000_000, 2**53, LARGEST - 1, random.randint(0, LARGEST - 1)])
    near = [f"PT{at // 10**6}.{at % 10**6:06}S" for at in (micros, micros + 1)]
    return [*near, random.choice(["P1D", "PT24H", "PT0S", "P1W", f"PT{LARGEST // 10**6}.{LARGEST % 10**6:06}S"])]


def a_change(random: Random) -> tuple[ZoneInfo, datetime]:
    """Return a zone and an instant at which its clocks change, in some of them at midnight."""
    timezone = ZoneInfo(random.choice(TRICKY))
    return timezone, random.choice(clock_changes(timezone))


def _millionths(number: int) -> str:
    sign, digits = "-" if number < 0 else "", f"{abs(number):07}"
    return f"{sign}{digits[:-6]}.{digits[-6:]}"
