"""Derived facts are those of the contract's zone: on both sides of local midnight, of a change of clocks, of a year."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.instants import parse_instant
from app.engine.factsheet import DERIVED, Conversion, with_derived

# Worked out from the public rules of each zone: the offset at that instant is in the comment.
CASES = [
    ("America/New_York", "1997-07-01T03:59:59.999999Z", (date(1997, 6, 30), "monday", 23, 6)),  # -04:00
    ("America/New_York", "1997-07-01T04:00:00Z", (date(1997, 7, 1), "tuesday", 0, 7)),
    # 6 April 1997: 02:00 EST is 03:00 EDT, so the day has no hour 2.
    ("America/New_York", "1997-04-06T06:59:59Z", (date(1997, 4, 6), "sunday", 1, 4)),  # -05:00
    ("America/New_York", "1997-04-06T07:00:00Z", (date(1997, 4, 6), "sunday", 3, 4)),  # -04:00
    # 26 October 1997: 02:00 EDT is 01:00 EST, so the hour 1 comes twice.
    ("America/New_York", "1997-10-26T05:30:00Z", (date(1997, 10, 26), "sunday", 1, 10)),  # -04:00
    ("America/New_York", "1997-10-26T06:30:00Z", (date(1997, 10, 26), "sunday", 1, 10)),  # -05:00
    # Sao Paulo, 4 November 2018: the day began at 01:00, local midnight did not exist.
    ("America/Sao_Paulo", "2018-11-04T02:59:59Z", (date(2018, 11, 3), "saturday", 23, 11)),  # -03:00
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z", (date(2018, 11, 4), "sunday", 1, 11)),  # -02:00
    # Lord Howe moves its clocks by half an hour: 02:00 on 6 April 2025 became 01:30.
    ("Australia/Lord_Howe", "2025-04-05T14:59:59Z", (date(2025, 4, 6), "sunday", 1, 4)),  # +11:00
    ("Australia/Lord_Howe", "2025-04-05T15:00:00Z", (date(2025, 4, 6), "sunday", 1, 4)),  # +10:30
    # Apia left out 30 December 2011.
    ("Pacific/Apia", "2011-12-30T09:59:59Z", (date(2011, 12, 29), "thursday", 23, 12)),  # -10:00
    ("Pacific/Apia", "2011-12-30T10:00:00Z", (date(2011, 12, 31), "saturday", 0, 12)),  # +14:00
    ("Asia/Kathmandu", "2024-02-28T18:14:59Z", (date(2024, 2, 28), "wednesday", 23, 2)),  # +05:45
    ("Asia/Kathmandu", "2024-02-28T18:15:00Z", (date(2024, 2, 29), "thursday", 0, 2)),
    ("Pacific/Kiritimati", "2024-12-31T10:00:00Z", (date(2025, 1, 1), "wednesday", 0, 1)),  # +14:00
    ("UTC", "2024-12-31T23:59:59.999999Z", (date(2024, 12, 31), "tuesday", 23, 12)),
]
NAMES = ("local_date", "weekday", "hour", "month")


def derived(zone: str, event_at: str, number: int | None = None) -> dict[str, Any]:
    instant = parse_instant(event_at)
    assert instant is not None
    conversion = Conversion("c1", "shop", instant, None, {}, number)
    return with_derived(conversion, instant.astimezone(ZoneInfo(zone)), DERIVED)


@pytest.mark.parametrize(("zone", "event_at", "expected"), CASES)
def test_the_date_and_hour_are_local(zone: str, event_at: str, expected: tuple[Any, ...]) -> None:
    facts = derived(zone, event_at)
    assert tuple(facts[name] for name in NAMES) == expected


def test_a_customer_nobody_knows_has_no_order_number() -> None:
    assert "customer_order_number" not in derived("UTC", "2025-01-01T00:00:00Z")
    assert derived("UTC", "2025-01-01T00:00:00Z", 3)["customer_order_number"] == 3


def test_nothing_is_derived_that_no_rule_reads() -> None:
    instant = parse_instant("2025-01-01T00:00:00Z")
    assert instant is not None
    conversion = Conversion("c1", "shop", instant, None, {"country": "US"}, 1)
    assert with_derived(conversion, instant, frozenset({"hour"})) == {"country": "US", "hour": 0}
