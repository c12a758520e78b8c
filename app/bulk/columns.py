"""How a value of each type stands in a column and in a statement. Which column holds which fact is the fact table's.

Only text, booleans, dates and 64-bit whole numbers reach an engine. A decimal is held in millionths, an instant in
microseconds since 1970 in UTC, a duration in microseconds: no engine then has a scale to round to, a floating-point
number to compare by, or a session's time zone to read an instant in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, DecimalException
from typing import Any, TypeAlias

from sqlglot import exp

from app.core.durations import length_micros
from app.core.instants import from_micros, micros
from app.core.money import EXACT, canonical
from app.engine.matcher import EngineFault
from app.rulelang.facts import LARGEST, MAX_SCALE, MAX_TEXT

Stored: TypeAlias = str | int | bool
"""A scalar as an engine holds it. A date is its ISO text."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How the values of a type are held: the SQL type, the values there are, and what becomes of one."""

    sql_type: str
    holds: type
    but_not: type | None
    stored: Callable[[Any], Stored]


def stored(kind: str, value: Any) -> Stored:
    """Return a value of a scalar type as it is held in a column. EngineFault for a value of another type."""
    storage = STORAGE[kind]
    if not isinstance(value, storage.holds) or (storage.but_not is not None and isinstance(value, storage.but_not)):
        raise EngineFault(f"a value of type {kind} is expected; found {type(value).__name__}")
    return storage.stored(value)


def typed(kind: str, held: Any) -> Any:
    """Return the value of a scalar type that a column holds: what `stored` was given.

    >>> typed("decimal", stored("decimal", Decimal("12.50"))), typed("date", date(1997, 7, 2))
    (Decimal('12.5'), datetime.date(1997, 7, 2))
    """
    match kind:
        case "decimal":
            return Decimal(canonical(EXACT.scaleb(Decimal(held), -MAX_SCALE)))
        case "instant":
            return from_micros(held)
        case "duration":
            return timedelta(microseconds=held)
    return held


def literal(kind: str, value: Any) -> exp.Expr:
    """Return a value of a scalar type as it is written in a statement."""
    held = stored(kind, value)
    if isinstance(held, bool):
        return exp.Boolean(this=held)
    if isinstance(held, int):
        return exp.Literal.number(held)
    text = exp.Literal.string(held)
    return exp.cast(text, STORAGE[kind].sql_type) if kind == "date" else text


def _text(value: str) -> str:
    if len(value) > MAX_TEXT or "\0" in value:
        raise EngineFault(f"text of {len(value)} characters is not compared: it is too long, or has a null character")
    return value


def _integer(value: int) -> int:
    if abs(value) >= LARGEST:
        raise EngineFault("a number is beyond what is compared exactly")
    return int(value)


def _millionths(value: Decimal) -> int:
    try:
        scaled = EXACT.scaleb(value, MAX_SCALE)
        whole = int(EXACT.to_integral_exact(scaled))
    except (DecimalException, ValueError, OverflowError) as error:
        raise EngineFault(f"a decimal is no number of at most {MAX_SCALE} digits after the point") from error
    return _integer(whole)


def _microseconds(value: datetime) -> int:
    if value.tzinfo is None:
        raise EngineFault("an instant has no offset")
    return micros(value)


# bool is an int and datetime is a date: what a type takes does not include the narrower one.
STORAGE: dict[str, Storage] = {
    "text": Storage("VARCHAR", str, None, _text),
    "enum": Storage("VARCHAR", str, None, _text),
    "boolean": Storage("BOOLEAN", bool, None, bool),
    "integer": Storage("BIGINT", int, bool, _integer),
    "decimal": Storage("BIGINT", Decimal, None, _millionths),
    "date": Storage("DATE", date, datetime, date.isoformat),
    "instant": Storage("BIGINT", datetime, None, _microseconds),
    "duration": Storage("BIGINT", timedelta, None, lambda value: _integer(length_micros(value))),
}
