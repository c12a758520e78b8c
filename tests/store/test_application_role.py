"""What the application's role may not do, tried in raw SQL on a database that has everything in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.core.clock import frozen_at
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.scenarios.scratch import taken_back
from app.store.grants import TABLES
from app.store.scope import WHOLE, Scope, enter
from tests.access.world import NOW, build

REFUSED = [
    "UPDATE statement_lines SET amount = 1",
    "DELETE FROM statement_lines",
    "UPDATE statements SET period = '1990-01'",
    "DELETE FROM statements",
    "UPDATE postings SET amount = 1",
    "DELETE FROM postings",
    "UPDATE conversions SET facts = '{}'",
    "DELETE FROM conversions",
    "UPDATE decisions SET record = '{}'",
    "UPDATE decisions SET amount = 1",
    "UPDATE decisions SET digest = 'x', retired_at = NULL",
    "DELETE FROM decisions",
    "UPDATE audit_events SET body = '{}'",
    "DELETE FROM audit_events",
    "UPDATE list_versions SET members = '[1]'",
    "DELETE FROM list_versions",
    "UPDATE named_lists SET type = 'date'",
    "UPDATE contracts SET partner_id = 'zulu'",
    "DELETE FROM contracts",
    "DELETE FROM contract_versions",
    "DELETE FROM approvals",
    "UPDATE approvals SET approver = 'x'",
    "UPDATE approval_policies SET policy = '{}'",
    "UPDATE saved_drafts SET content = '{}'",
    "DELETE FROM saved_drafts",
    "UPDATE partners SET name = 'x'",
    "DELETE FROM partners",
    "UPDATE programs SET currency = 'EUR'",
    "DELETE FROM programs",
    "UPDATE api_keys SET role = 'admin'",
    "UPDATE api_keys SET name = 'somebody else'",
    "UPDATE api_keys SET partner_id = 'zulu'",
    "DELETE FROM api_keys",
    "UPDATE api_key_secrets SET hash = 'x'",
    "UPDATE api_key_secrets SET key_id = 'x'",
    "DELETE FROM api_key_secrets",
    "UPDATE installation_secrets SET value = 'x'",
    "DELETE FROM installation_secrets",
    "UPDATE unsettled_conversions SET partner = 'x'",
    "UPDATE alembic_version SET version_num = 'x'",
    "INSERT INTO alembic_version VALUES ('x')",
    "DELETE FROM alembic_version",
    "CREATE TABLE mine (id int)",
    "DROP TABLE statement_lines",
    "ALTER TABLE statement_lines DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE conversions DISABLE TRIGGER ALL",
    "DROP POLICY own ON contracts",
    "CREATE POLICY everything ON contracts TO termline_partner USING (true)",
    "CREATE ROLE another",
]


@pytest.fixture(scope="module")
def full(database: Engine, catalogue: Catalogue) -> Iterator[Connection]:
    """A connection in the application's role, with a world to spoil."""
    with database.connect() as connection, connection.begin() as transaction:
        with Runtime(connection, ReferenceMatcher(), catalogue, frozen_at(NOW)).work("tester") as ctx:
            build(ctx)
        enter(connection, WHOLE)
        yield connection
        transaction.rollback()


@pytest.mark.parametrize("statement", REFUSED)
def test_the_application_may_not(full: Connection, statement: str) -> None:
    assert sqlstate(full, statement) == "42501"


# What a trigger has to refuse, because the application needs the right for drafts or for moving the chain on.
GUARDED = [
    "DELETE FROM rule_versions",
    "UPDATE rule_versions SET body = '{}'",
    "UPDATE contract_versions SET params = '{\"a\": 1}'",
    "UPDATE contract_versions SET approved_by = 'x' WHERE recorded_at IS NOT NULL",
    "UPDATE audit_head SET seq = 0",
]


@pytest.mark.parametrize("statement", GUARDED)
def test_a_trigger_refuses_what_the_role_could(full: Connection, statement: str) -> None:
    assert sqlstate(full, statement) in ("23001", "23514", "P0001"), statement


@pytest.mark.parametrize("table", TABLES)
def test_nobody_empties_a_table(full: Connection, table: str) -> None:
    assert sqlstate(full, f"TRUNCATE {table} CASCADE") == "42501"


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["INSERT INTO {table} DEFAULT VALUES", "DELETE FROM {table}", "TRUNCATE {table}"])
def test_a_partner_writes_nothing(full: Connection, table: str, statement: str) -> None:
    with taken_back(full):
        enter(full, Scope("termline_partner", "acme"))
        assert sqlstate(full, statement.format(table=table)) == "42501"


def test_the_planner_is_told_of_loads_all_the_same(full: Connection) -> None:
    with taken_back(full):
        full.execute(text("SELECT refresh_statistics()"))
        counted = text("SELECT reltuples FROM pg_class WHERE oid = 'decisions'::regclass")
        assert full.scalar(counted) == full.scalar(text("SELECT count(*) FROM decisions"))


def sqlstate(connection: Connection, statement: str) -> str:
    """Run a statement that is to be refused and return the refusal's SQLSTATE."""
    with taken_back(connection):
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            return str(error.orig.sqlstate)  # type: ignore[union-attr]
    return "nothing was refused"
