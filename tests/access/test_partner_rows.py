"""What a partner's role sees in plain SQL, with no product in between."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from app.scenarios.scratch import taken_back
from app.store.grants import tables_of
from app.store.models import Contract
from app.store.scope import Scope, enter
from tests.access.caller import World
from tests.access.world import HIDDEN, MINE, OF_THEIRS

PARTNER = "termline_partner"
# How many rows of each table are acme's in the world of `world.py`, counted by hand. Version 1 has four approved rule
# versions, one of each kind and the restated rate. The restatement decided two orders anew and corrected two lines.
# One of them was corrected before, and a part of it came back: it was decided twice more.
# A day of deliveries was decided twice: when they came, and when money was given back.
MINE_BY_TABLE = {
    "approvals": 2,
    "saved_drafts": 0,
    "contract_versions": 1,
    "contracts": 1,
    "conversions": 3,
    "corrections": 1,
    "decisions": 8,
    "deliveries": 1,
    "delivery_adjustments": 1,
    "list_versions": 1,
    "named_lists": 1,
    "partners": 1,
    "postings": 2,
    "programs": 1,
    "reversals": 1,
    "rule_versions": 4,
    "statement_lines": 4,
    "statements": 1,
    "touches": 0,
}


# Nothing in these rows is somebody's by its looks, or there are none.
UNMARKED = ("postings", "saved_drafts", "touches")


def test_a_partner_sees_its_own_rows_and_no_others(world: World) -> None:
    seen = rows_seen(world.connection, MINE)
    assert {table: len(rows) for table, rows in seen.items()} == MINE_BY_TABLE
    for table, rows in seen.items():
        assert not OF_THEIRS.search(repr(rows).encode()), table
        assert not HIDDEN.search(repr(rows).encode()), table


def test_the_other_one_sees_the_rest(world: World) -> None:
    seen = rows_seen(world.connection, "zulu")
    assert all(OF_THEIRS.search(repr(rows).encode()) for table, rows in seen.items() if table not in UNMARKED)
    assert not any(b"acme" in repr(rows).encode() for rows in seen.values())


@pytest.mark.parametrize("partner", ["", "nobody", "ACME", "acme ", "acme' OR true --", "%"])
def test_without_a_partner_there_is_nothing(world: World, partner: str) -> None:
    assert all(rows == [] for rows in rows_seen(world.connection, partner).values())


def test_without_the_setting_there_is_nothing(world: World) -> None:
    """In a session that never heard of it the setting is null, and empty once a transaction that had it has ended."""
    with world.connection.engine.connect() as fresh, fresh.begin():
        fresh.execute(text(f"SET LOCAL ROLE {PARTNER}"))
        assert not fresh.scalar(text("SELECT current_setting('termline.partner', true)"))
        assert fresh.scalar(text("SELECT count(*) FROM contracts")) == 0


def test_what_was_loaded_for_settling_is_not_handed_to_the_partner(world: World) -> None:
    with taken_back(world.connection), world.runtime.work("reader", partner=MINE) as ctx:
        with ctx.as_application() as everything:
            assert everything.session.get(Contract, "zulu") is not None
            assert everything.session.scalar(text("SELECT current_user")) == "termline_app"
        assert ctx.session.scalar(text("SELECT current_user")) == PARTNER
        assert ctx.session.get(Contract, "zulu") is None
        assert ctx.session.get(Contract, MINE) is not None


def test_a_failure_while_settling_leaves_the_partner_a_partner(world: World) -> None:
    with taken_back(world.connection), world.runtime.work("reader", partner=MINE) as ctx:
        with suppress(ZeroDivisionError), ctx.as_application() as everything:
            assert everything.session.get(Contract, "zulu") is not None
            raise ZeroDivisionError
        assert ctx.session.scalar(text("SELECT current_user")) == PARTNER
        assert ctx.session.scalar(text("SELECT count(*) FROM contracts")) == 1


def test_of_the_touches_on_one_conversion_a_partner_sees_its_own_and_the_conversion(world: World) -> None:
    with taken_back(world.connection):
        for partner in (MINE, "zulu"):
            world.connection.execute(
                text("INSERT INTO touches VALUES ('shop', 'zulu-1', :id, :partner, 'view', '1997-07-01 00:00Z', '{}')"),
                {"id": f"{partner}-touch", "partner": partner},
            )
        seen, theirs = rows_seen(world.connection, MINE), rows_seen(world.connection, "zulu")
        assert [row.id for row in seen["touches"]] == [f"{MINE}-touch"]
        assert [row.id for row in theirs["touches"]] == ["zulu-touch"]
        assert len(seen["conversions"]) == MINE_BY_TABLE["conversions"] + 1
        assert {row.partner for row in seen["decisions"]} == {MINE}
        assert rows_seen(world.connection, "nobody")["touches"] == []


def rows_seen(connection: Connection, partner: str) -> dict[str, list[Any]]:
    """Return every row of every table that a partner may ask for."""
    with taken_back(connection):
        tables = tables_of(connection)
        enter(connection, Scope(PARTNER, partner))
        seen = {table: _rows(connection, table) for table in tables}
    return {table: rows for table, rows in seen.items() if rows is not None}


def _rows(connection: Connection, table: str) -> list[Any] | None:
    try:
        with taken_back(connection):
            return list(connection.execute(text(f"SELECT * FROM {table}")))
    except ProgrammingError as error:
        if error.orig.sqlstate == "42501":  # type: ignore[union-attr]
            return None
        raise
