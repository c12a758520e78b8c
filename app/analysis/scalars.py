"""Values as whole numbers: every scalar has a code that orders and compares as the value does. Knows no solver.

Decimals are scaled by 10^6, times are microseconds or days, booleans 0 and 1, enums the place of the word. Texts are
numbered in the order in which rules name them: they are compared for equality only. A text that no rule names has a
number beyond those (`texts.py`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.core.durations import length_micros, write_duration
from app.core.instants import micros, write_instant
from app.core.money import canonical
from app.rulelang.ast import Scalar
from app.rulelang.facts import LARGEST, LARGEST_JSON, MAX_SCALE, Fact

FIRST_INSTANT, LAST_INSTANT = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, 23, 59, 59, 999999, UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def code_of(value: Scalar, fact: Fact) -> int:
    """Return the code of a value of a fact that is no text."""
    match value:
        case bool():
            return int(value)
        case str():
            return fact.values.index(value)
        case int():
            return value
        case Decimal():
            return int(value.scaleb(MAX_SCALE))
        case datetime():
            return micros(value)
        case date():
            return value.toordinal()
        case timedelta():
            return length_micros(value)


def raw_of(code: int, fact: Fact) -> Any:
    """Return the JSON value that a conversion carries for a code."""
    match fact.type:
        case "integer":
            return code if abs(code) <= LARGEST_JSON else str(code)
        case "decimal":
            return canonical(Decimal(code).scaleb(-MAX_SCALE))
        case "boolean":
            return code == 1
        case "enum":
            return fact.values[code]
        case "date":
            return date.fromordinal(code).isoformat()
        case "instant":
            return write_instant(_EPOCH + timedelta(microseconds=code))
        case "duration":
            return write_duration(timedelta(microseconds=code))
    raise ValueError(f"{fact.name} is {fact.type}")


def codes_of_type(fact: Fact) -> tuple[int, int]:
    """Return the lowest and the highest code that a fact of its type can have; no text has one."""
    match fact.type:
        case "integer" | "decimal":
            return 1 - LARGEST, LARGEST - 1
        case "boolean":
            return 0, 1
        case "enum":
            return 0, len(fact.values) - 1
        case "date":
            return date.min.toordinal(), date.max.toordinal()
        case "instant":
            return micros(FIRST_INSTANT), micros(LAST_INSTANT)
        case "duration":
            return 0, LARGEST - 1
    raise ValueError(f"{fact.name} is {fact.type}")


def runs_of(codes: set[int]) -> list[tuple[int, int]]:
    """Return whole numbers as runs without gaps, so that a list of thousands is a few comparisons.

    >>> runs_of({3, 1, 2, 7})
    [(1, 3), (7, 7)]
    """
    runs: list[tuple[int, int]] = []
    for code in sorted(codes):
        if runs and runs[-1][1] == code - 1:
            runs[-1] = (runs[-1][0], code)
        else:
            runs.append((code, code))
    return runs
