"""How much a run has to hold: how many conversions, over what time, and how large the numbers in them are. Which integers
a query needs follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from app.bulk.fact_table import Column
from app.rulelang.facts import LARGEST


@dataclass(frozen=True, slots=True)
class Extent:
    """The number of conversions, the first and last instant in microseconds, and the greatest size of each number."""

    count: int = 0
    first: int = 0
    last: int = 0
    bounds: Mapping[str, int] | None = None
    # How many touches a conversion has at most.
    touches: int = 0
    # How many conversions somebody claims.
    claims: int = 0
    # How many conversions came back as a whole before the lock, how many parts after it, and of which order value at most.
    undone: int = 0
    taken: int = 0
    of_value: int = 0
    # The currencies that orders are in, where there are rates; and how large rates are, with how many digits.
    currencies: frozenset[str] = frozenset()
    rates: int = 0
    rate_scale: int = 0

    def bound(self, column: str) -> int:
        """Return how large the numbers of a column are at most."""
        return LARGEST if self.bounds is None else self.bounds.get(column, LARGEST)


def numbers_in(columns: Mapping[str, Column]) -> list[str]:
    """Return the columns that hold numbers."""
    return [
        column.name
        for column in columns.values()
        if column.fact.type in ("integer", "decimal") and not column.fact.derived
    ]


def extent_query(table: str, numbers: Sequence[str]) -> exp.Select:
    """Return the query of the extent of a table of conversions."""
    sizes = [exp.Max(this=exp.Abs(this=exp.column(name))) for name in numbers]
    ends = [exp.Count(this=exp.Star()), exp.Min(this=exp.column("event_at")), exp.Max(this=exp.column("event_at"))]
    ends.append(exp.Count(this=exp.column("partner")))
    query: exp.Select = exp.select(*ends, *sizes).from_(table)
    return query


def most_touches() -> exp.Select:
    """Return the query of how many touches a conversion has at most."""
    each = exp.select(exp.alias_(exp.Count(this=exp.Star()), "touches")).from_("touches").group_by("row_number")
    query: exp.Select = exp.select(exp.Max(this=exp.column("touches"))).from_(
        each.subquery("each_one", copy=False), copy=False
    )
    return query


def extent_of(row: Sequence[Any], numbers: Sequence[str], touches: int = 0) -> Extent:
    """Return the extent from the row of its query."""
    count, first, last, claims, *sizes = row
    bounds = {name: int(size or 0) for name, size in zip(numbers, sizes, strict=True)}
    return Extent(int(count), int(first or 0), int(last or 0), bounds, touches, int(claims))


def with_sizes(extent: Extent, names: Sequence[str], sizes: Sequence[Any]) -> Extent:
    """Return an extent with how large more numbers are at most."""
    found = {name: int(size or 0) for name, size in zip(names, sizes, strict=True)}
    return replace(extent, bounds={**(extent.bounds or {}), **found})
