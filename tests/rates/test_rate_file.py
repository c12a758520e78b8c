"""Files of exchange rates: read line by line, refused as a whole, and carried over weekends where that is asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.core.instants import parse_date
from app.rates.errors import RateRefused
from app.rates.operations.record_rates import NewRate
from app.rates.rate_file import carried, read_rates

HEADER = "from,to,day,rate,source"


def rate(day: str, number: str = "1.10", said_by: str = "ECB", reason: str | None = None) -> NewRate:
    on = parse_date(day)
    assert on is not None
    return NewRate("EUR", "USD", on, Decimal(number), said_by, reason)


def test_a_file_is_read() -> None:
    lines = [
        "day,to,from,rate,source,reason",
        '1999-03-05,USD,EUR,1.10,"ECB, Frankfurt",',
        "1999-03-08,USD,EUR,1.2,ECB,A typing error",
    ]
    assert read_rates(lines, "f.csv") == [
        rate("1999-03-05", said_by="ECB, Frankfurt"),
        rate("1999-03-08", "1.2", reason="A typing error"),
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "f.csv:1: the columns are from,to,day,rate,source and perhaps reason; found nothing."),
        (["from,to,day,rate"], "f.csv:1: the columns are"),
        ([HEADER + ",bid"], "f.csv:1: the columns are"),
        ([HEADER + ",source"], "f.csv:1: the columns are"),
        ([HEADER, "EUR,USD,1999-02-29,1,ECB"], "f.csv:2: day is a date YYYY-MM-DD; found '1999-02-29'."),
        ([HEADER, "EUR,USD,1999-03-05,1e1,ECB"], "f.csv:2: rate is a number with at most 9 digits after the point; found '1e1'."),
        ([HEADER, "EUR,USD,1999-03-05,1.1,"], "f.csv:2: source says who published the rate; found nothing."),
        ([HEADER, "EUR,USD,1999-03-05,1.1,ECB,x"], "f.csv:2: it has another number of columns than the header."),
        ([HEADER, "EUR,USD,1999-03-05,1.1"], "f.csv:2: it has another number of columns than the header."),
        ([HEADER, *["EUR,USD,1999-03-05,x,ECB"] * 12], "f.csv:11: rate is a number with at most 9 digits after the point; found 'x'.\n… and 2 more lines"),
    ],
)  # fmt: skip
def test_a_file_with_a_line_that_is_no_rate_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(RateRefused) as refused:
        read_rates(lines, "f.csv")
    assert said in refused.value.message


def test_a_rate_is_carried_up_to_the_next_and_never_beyond_the_last() -> None:
    friday, monday = rate("1999-03-05"), rate("1999-03-08", "1.2")
    assert list(carried([monday, friday])) == [
        friday,
        rate("1999-03-06", said_by="ECB of 1999-03-05"),
        rate("1999-03-07", said_by="ECB of 1999-03-05"),
        monday,
    ]
