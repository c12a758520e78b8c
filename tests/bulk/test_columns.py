"""Values in columns: exact, and a value of another type is a fault."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.bulk.columns import literal, stored
from app.engine.matcher import EngineFault


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("text", "it's", "it's"),
        ("integer", 2**62 - 1, 4611686018427387903),
        ("decimal", Decimal("4611686018427.387903"), 4611686018427387903),
        ("decimal", Decimal("-0.000001"), -1),
        ("decimal", Decimal("1.000000000"), 1_000_000),
        ("decimal", Decimal("1E+3"), 1_000_000_000),
        ("boolean", False, False),
        ("date", date(1, 1, 1), "0001-01-01"),
        ("instant", datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), -1),
        ("instant", datetime(9998, 12, 31, 23, 59, 59, 999999, UTC), 253370764799999999),
        ("duration", timedelta(days=53375995, microseconds=1), 4611685968000000001),
    ],
)
def test_a_value_is_held_exactly(kind: str, value: Any, held: Any) -> None:
    found = stored(kind, value)
    assert found == held
    assert type(found) is type(held)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", True),
        ("integer", 1.0),
        ("integer", 2**62),
        ("boolean", 1),
        ("text", 1),
        ("text", "x" * 1025),
        ("text", "a\0b"),
        ("decimal", 1),
        ("decimal", Decimal("0.0000001")),
        ("decimal", Decimal("NaN")),
        ("decimal", Decimal("Infinity")),
        ("decimal", Decimal("1E+500")),
        ("date", datetime(2024, 1, 1, tzinfo=UTC)),
        ("instant", date(2024, 1, 1)),
        ("instant", datetime(2024, 1, 1)),  # noqa: DTZ001
        ("duration", timedelta.max),
    ],
)
def test_what_is_not_compared_exactly_is_a_fault(kind: str, value: Any) -> None:
    with pytest.raises(EngineFault):
        stored(kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "sql", "in_spark"),
    [
        ("text", "it's \\", "'it''s \\'", "'it\\'s \\\\'"),
        ("integer", -5, "-5", "-5"),
        ("decimal", Decimal("77.10"), "77100000", "77100000"),
        ("boolean", True, "TRUE", "TRUE"),
        ("date", date(2024, 2, 29), "CAST('2024-02-29' AS DATE)", "CAST('2024-02-29' AS DATE)"),
    ],
)
def test_a_value_in_a_statement(kind: str, value: Any, sql: str, in_spark: str) -> None:
    assert literal(kind, value).sql("duckdb") == sql
    assert literal(kind, value).sql("spark") == in_spark
