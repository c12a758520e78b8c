"""A statement in SQL that the database is to refuse, and how a row is copied with other values."""

from __future__ import annotations

from typing import NamedTuple


class Refused(NamedTuple):
    """A statement and the guard that refuses it: a constraint or index by its name, a trigger as `table.trigger`.

    `without` are guards that would refuse it as well, and before: they are away while it is tried.
    """

    guard: str
    sql: str
    without: tuple[str, ...] = ()


def copied(table: str, *, where: str = "true", **columns: str) -> str:
    """Insert a copy of a row with other values in some columns; what the database counts is counted anew."""
    given = ", ".join(f"'{name}', {value}" for name, value in columns.items())
    return (
        f"INSERT INTO {table} OVERRIDING USER VALUE SELECT (jsonb_populate_record(NULL::{table},"
        f" to_jsonb(t) || jsonb_build_object({given}))).* FROM {table} t WHERE {where} LIMIT 1"
    )
