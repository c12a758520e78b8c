"""The query of the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Select, column, select, table, tuple_
from sqlalchemy.orm import Session

from app.billing.journal import Entry, Leg

# As Entry has them; the view's names for them where it has others.
_PLACE = ("posting_position", "source", "position")
_FIELDS = {
    "line": "line_id",
    "kind": "kind",
    "program": "program_id",
    "partner": "partner_id",
    "contract": "contract_id",
    "contract_version": "contract_version",
    "rule_version": "rule_version",
    "rule": "rule",
    "part": "part",
    "decision": "decision_id",
    "conversion": "conversion_id",
    "delivered_on": "delivered_on",
    "event_at": "event_at",
    "corrects": "corrects",
    "statement": "statement_id",
    "service_period": "service_period",
    "accounting_period": "accounting_period",
    "posting": "posting_id",
    "posted_at": "posted_at",
    "currency": "currency",
}
_LEG = ("account", "debit", "credit")
_LEGS = table("journal_legs", *(column(name) for name in (*_PLACE, "leg", *_FIELDS.values(), *_LEG)))


def entries_after(
    session: Session,
    *,
    as_of: datetime,
    after: Sequence[int] | None = None,
    limit: int | None = None,
    **filters: str | None,
) -> Iterator[Entry]:
    """Yield the entries that were posted by an instant in the order they were booked, from behind a place; of one program,
    contract or accounting period if wanted."""
    query: Select[Any] = select(*(_LEGS.c[name] for name in (*_PLACE, *_FIELDS.values(), *_LEG)))
    query = query.where(_LEGS.c.posted_at <= as_of).order_by(*(_LEGS.c[name] for name in (*_PLACE, "leg")))
    for name, value in filters.items():
        query = query if value is None else query.where(_LEGS.c[_FIELDS[name]] == value)
    if after is not None:
        query = query.where(tuple_(*(_LEGS.c[name] for name in _PLACE)) > tuple_(*after))
    if limit is not None:
        query = query.limit(2 * limit)
    for place, rows in groupby(session.execute(query), key=lambda row: tuple(row[: len(_PLACE)])):
        legs = list(rows)
        values = dict(zip(_FIELDS, legs[0][len(_PLACE) :], strict=False))
        yield Entry(place=place, legs=tuple(Leg(*row[-len(_LEG) :]) for row in legs), **values)
