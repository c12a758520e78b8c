"""Events that were there before the chain are chained as they are, and are there afterwards when it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from alembic import command
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from app.audit.repository import walked
from app.audit.verification import verify_chain
from app.scenarios.scratch import scratch_database
from app.store.migrate import migrate, migration_config

CHAIN = "2026_11_25_audit_chain"
BEFORE = f"{CHAIN}-1"
ROWS: list[dict[str, Any]] = [
    {
        "at": f"1997-0{number % 9 + 1}-01T00:00:00{fraction}+00:00",
        "actor": actor,
        "action": "thing.done",
        "subject": f"acme/{number}",
        "summary": 'Acmé „done" \\ \n',
        "before": None if number % 3 else {"rates": ["1", True, None]},
        "after": None if number % 2 else {"Ü": 1, "a": {"b": []}},
    }
    for number, (actor, fraction) in enumerate([("ann", ""), ("ben", ".000001"), ("cli:zoë", ".5")] * 700)
]
COLUMNS = "at, actor, action, subject, summary, before, after"


@pytest.fixture
def schema(database: Engine) -> Iterator[Connection]:
    """A schema as it was before the chain."""
    with scratch_database(database) as connection:
        command.downgrade(migration_config(connection), BEFORE)
        yield connection


def filled(connection: Connection) -> list[Any]:
    """Write the rows, with gaps between their ids, and return them."""
    add = f"INSERT INTO audit_events ({COLUMNS}) VALUES (:at, :actor, :action, :subject, :summary, :before, :after)"
    rows = [{**row, **{name: _json(row[name]) for name in ("before", "after")}} for row in ROWS]
    connection.execute(text(add), rows)
    connection.execute(text("DELETE FROM audit_events WHERE id % 50 = 7"))
    return stored(connection)


def stored(connection: Connection) -> list[Any]:
    return list(connection.execute(text(f"SELECT {COLUMNS} FROM audit_events ORDER BY id")))


def test_rows_are_chained_in_their_order_and_come_back(schema: Connection) -> None:
    rows = filled(schema)
    assert len(rows) > 2_000
    migrate(schema, CHAIN, alone=True)
    found = verify_chain(walked(Session(schema)))
    assert (found.is_whole, found.events) == (True, len(rows)), found.breaks[:3]
    bodies = [orjson.loads(body) for body in schema.scalars(text("SELECT body FROM audit_events ORDER BY seq"))]
    assert [(body["actor"], body["summary"], body["before"], body["after"]) for body in bodies] == [
        (row.actor, row.summary, row.before, row.after) for row in rows
    ]
    assert list(schema.scalars(text("SELECT at FROM audit_events ORDER BY seq"))) == [row.at for row in rows]
    command.downgrade(migration_config(schema), BEFORE)
    assert stored(schema) == rows
    migrate(schema, CHAIN, alone=True)
    assert verify_chain(walked(Session(schema))).is_whole


def test_an_empty_table_becomes_an_empty_chain(schema: Connection) -> None:
    migrate(schema, CHAIN, alone=True)
    found = verify_chain(walked(Session(schema)))
    assert (found.is_whole, found.events, found.seq) == (True, 0, 0)
    command.downgrade(migration_config(schema), BEFORE)
    assert stored(schema) == []


def test_two_schemas_have_chains_of_their_own(schema: Connection, connection: Connection) -> None:
    migrate(schema, CHAIN, alone=True)
    mine = schema.scalar(text("SELECT installation FROM audit_head"))
    assert mine != connection.scalar(text("SELECT installation FROM audit_head"))


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
