"""Reading a file of exchange rates, CSV with a header: `from,to,day,rate,source` and, for corrections, `reason`. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from app.core.errors import Finding
from app.core.instants import parse_date
from app.core.money import parse_decimal
from app.rates.errors import RateRefused
from app.rates.operations.record_rates import NewRate

NEEDED, OPTIONAL = ("from", "to", "day", "rate", "source"), ("reason",)
MAX_SHOWN = 10


def read_rates(lines: Iterable[str], name: str) -> list[NewRate]:
    """Return the rates of a file. Raises RateRefused that names the lines which are none, and keeps nothing of the
    others."""
    rows = csv.DictReader(lines, strict=True)
    header = list(rows.fieldnames or ())
    if set(header) - {*NEEDED, *OPTIONAL} or set(NEEDED) - set(header) or len(header) != len(set(header)):
        wanted = f"{','.join(NEEDED)} and perhaps {','.join(OPTIONAL)}"
        raise RateRefused(f"{name}:1: the columns are {wanted}; found {','.join(header) or 'nothing'}.")
    found: list[NewRate] = []
    refused: list[str] = []
    try:
        for row in rows:
            rate = _rate(row)
            if isinstance(rate, NewRate):
                found.append(rate)
            else:
                refused.append(f"{name}:{rows.line_num}: {rate}.")
    except csv.Error as error:
        refused.append(f"{name}:{rows.line_num}: {error}.")
    if refused:
        more = [f"… and {len(refused) - MAX_SHOWN} more lines"] if len(refused) > MAX_SHOWN else []
        findings = [Finding("wrong_value", each) for each in refused]
        raise RateRefused("\n".join([*refused[:MAX_SHOWN], *more]), findings)
    return found


def _rate(row: dict[str, str]) -> NewRate | str:
    """Return the rate of a row, or what is wrong with it."""
    if None in row or None in row.values():
        return "it has another number of columns than the header"
    day, rate = parse_date(row["day"]), parse_decimal(row["rate"])
    if day is None:
        return f"day is a date YYYY-MM-DD; found {row['day']!r}"
    if rate is None:
        return f"rate is a number with at most 9 digits after the point; found {row['rate']!r}"
    if not row["source"].strip():
        return "source says who published the rate; found nothing"
    return NewRate(row["from"], row["to"], day, rate, row["source"], row.get("reason") or None)


def carried(rates: Sequence[NewRate]) -> Iterator[NewRate]:
    """Yield rates, and for each day between two of them that has none the one of the day before, which says so."""
    by_pair: dict[tuple[str, str], list[NewRate]] = {}
    for rate in rates:
        by_pair.setdefault((rate.source, rate.target), []).append(rate)
    for of_pair in by_pair.values():
        ordered = sorted(of_pair, key=lambda rate: rate.day)
        for rate, following in pairwise(ordered):
            yield rate
            said_by = f"{rate.said_by} of {rate.day.isoformat()}"
            for days in range(1, (following.day - rate.day).days):
                yield replace(rate, day=rate.day + timedelta(days=days), said_by=said_by)
        yield ordered[-1]
