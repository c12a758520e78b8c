"""The rights in the database are those of the table of grants, and every table has its line in it."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, text

from app.scenarios.scratch import scratch_database
from app.store.base import Base
from app.store.grants import ALL, TABLES, grant_all, revoke_all, tables_of

APPLICATION, PARTNER = "termline_app", "termline_partner"
ON_TABLES = text(
    "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
    " WHERE grantee = :role AND table_schema = current_schema()"
)
ON_COLUMNS = text(
    "SELECT table_name, column_name FROM information_schema.role_column_grants"
    " WHERE grantee = :role AND table_schema = current_schema() AND privilege_type = 'UPDATE'"
)
# What numbers rows by a default; an identity column, dependent in another way, needs no right.
ON_COUNTERS = text(
    "SELECT refobjid::regclass::text, objid::regclass::text FROM pg_depend JOIN pg_class ON pg_class.oid = objid"
    " WHERE relkind = 'S' AND deptype = 'a' AND relnamespace = current_schema()::regnamespace"
    " AND classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND has_sequence_privilege(:role, objid, 'USAGE')"
)


def test_every_table_has_a_line(database: Engine) -> None:
    with database.connect() as connection:
        assert set(tables_of(connection)) == set(TABLES), "app/store/grants.py says who may do what with each table"


def test_the_application_has_what_its_line_says(database: Engine) -> None:
    with database.connect() as connection:
        on_tables = {tuple(row) for row in connection.execute(ON_TABLES, {"role": APPLICATION})}
        on_columns = {tuple(row) for row in connection.execute(ON_COLUMNS, {"role": APPLICATION})}
    expected = {
        (table, right)
        for table, access in TABLES.items()
        for right, is_held in (
            ("SELECT", True),
            ("INSERT", access.adds),
            ("DELETE", access.deletes),
            ("UPDATE", access.updates == ALL),
        )
        if is_held
    }
    assert on_tables == expected | {("journal_legs", "SELECT")}
    for table, access in TABLES.items():
        columns = set(Base.metadata.tables[table].columns.keys()) if access.updates == ALL else set(access.updates)
        assert {column for name, column in on_columns if name == table} == columns, table


def test_the_application_counts_where_it_adds(database: Engine) -> None:
    with database.connect() as connection:
        held = [tuple(row) for row in connection.execute(ON_COUNTERS, {"role": APPLICATION})]
        assert list(connection.execute(ON_COUNTERS, {"role": PARTNER})) == []
    assert {table for table, _ in held} == {"procrastinate_events", "procrastinate_jobs"}


def test_a_partner_reads_what_has_a_condition_and_no_more(database: Engine) -> None:
    with database.connect() as connection:
        held = {tuple(row) for row in connection.execute(ON_TABLES, {"role": PARTNER})}
        assert {tuple(row) for row in connection.execute(ON_COLUMNS, {"role": PARTNER})} == set()
    assert held == {(table, "SELECT") for table, access in TABLES.items() if access.partner}


def test_nothing_is_everybodys(database: Engine) -> None:
    with database.connect() as connection:
        assert list(connection.execute(ON_TABLES, {"role": "PUBLIC"})) == []


def test_rows_are_guarded_wherever_somebody_may_read(database: Engine) -> None:
    query = text(
        "SELECT relname, relrowsecurity, (SELECT array_agg(polname::text ORDER BY polname) FROM pg_policy"
        " WHERE polrelid = pg_class.oid) FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    )
    with database.connect() as connection:
        found = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    for table, access in TABLES.items():
        policies = ["application", "own"] if access.partner else ["application"]
        assert found[table] == ((False, None) if table == "alembic_version" else (True, policies)), table


def test_granting_again_changes_nothing_and_taking_back_leaves_nothing(database: Engine) -> None:
    with scratch_database(database) as connection:
        before = rights(connection)
        grant_all(connection)
        assert rights(connection) == before != []
        revoke_all(connection)
        assert rights(connection) == []


def rights(connection: Connection) -> list[tuple[str, ...]]:
    """Everything that is granted to the two roles in the present schema, and the policies."""
    found = [tuple(row) for role in (APPLICATION, PARTNER) for row in connection.execute(ON_TABLES, {"role": role})]
    found += [tuple(row) for role in (APPLICATION, PARTNER) for row in connection.execute(ON_COLUMNS, {"role": role})]
    found += [
        (role, *row) for role in (APPLICATION, PARTNER) for row in connection.execute(ON_COUNTERS, {"role": role})
    ]
    query = text("SELECT tablename, policyname, qual FROM pg_policies WHERE schemaname = current_schema()")
    return sorted([*found, *(tuple(row) for row in connection.execute(query))])
