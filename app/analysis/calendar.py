"""The calendar as arithmetic on day numbers (`date.toordinal`), for the solver."""

from __future__ import annotations

from collections.abc import Iterator

import z3

_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_MONTHS = 12 * 9999


def weekday_of(day: z3.ArithRef) -> z3.ArithRef:
    """Return the weekday of a day, 0 for Monday. Day 1 is a Monday."""
    return (day + 6) % 7


def month_of(day: z3.ArithRef, month: z3.ArithRef) -> Iterator[z3.BoolRef]:
    """Yield that `month` is the month of a day: the day lies between the firsts of two months that follow each other."""
    count = z3.Int("months since the year 1", day.ctx)
    yield z3.And(count >= 0, count < _MONTHS, month == count % 12 + 1)
    yield z3.And(_first_of(count) <= day, day < _first_of(count + 1))


def _first_of(count: z3.ArithRef) -> z3.ArithRef:
    """Return the first day of a month, which is given as the months before it since the year 1."""
    years, month = count / 12, count % 12
    year = years + 1
    is_leap = z3.And(year % 4 == 0, z3.Or(year % 100 != 0, year % 400 == 0))
    before = z3.IntVal(_DAYS_BEFORE[-1], count.ctx)
    for index in range(10, -1, -1):
        before = z3.If(month == index, z3.IntVal(_DAYS_BEFORE[index], count.ctx), before)
    leap_day = z3.If(z3.And(month >= 2, is_leap), z3.IntVal(1, count.ctx), z3.IntVal(0, count.ctx))
    return 365 * years + years / 4 - years / 100 + years / 400 + before + leap_day + 1
