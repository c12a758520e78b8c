"""The roles of the database: made once for all databases of a server, and named where they cannot be made."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from app.adapters.embedded_postgres import acquire
from app.assembly import ensure_schema
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.store.migrate import migrate
from app.store.roles import ROLES, DatabaseRolesMissing, check_roles, ensure_roles, may_work_in
from app.store.session import engine_for
from app.store.unit_of_work import unit_of_work


@pytest.fixture(scope="module")
def new_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of these tests' own: the first of them finds it without our roles."""
    with acquire(tmp_path_factory.mktemp("new")) as server:
        yield server.url


@pytest.fixture
def stranger(connection: Connection) -> Iterator[Connection]:
    """A connection whose user has no rights."""
    connection.execute(text('CREATE ROLE "a ""stranger"""'))
    connection.execute(text('SET LOCAL ROLE "a ""stranger"""'))
    yield connection
    connection.execute(text("SET LOCAL ROLE NONE"))


def test_who_may_not_make_roles_is_told_what_a_superuser_runs(stranger: Connection) -> None:
    with pytest.raises(DatabaseRolesMissing) as caught:
        ensure_roles(stranger)
    assert (
        "CREATE ROLE termline_app NOLOGIN; CREATE ROLE termline_partner NOLOGIN; "
        'GRANT termline_app, termline_partner TO "a ""stranger""";'
    ) in caught.value.message
    with pytest.raises(DatabaseRolesMissing):
        check_roles(stranger)


def test_who_was_let_in_by_a_superuser_needs_no_more(stranger: Connection) -> None:
    stranger.execute(text("SET LOCAL ROLE NONE"))
    stranger.execute(text('GRANT termline_app, termline_partner TO "a ""stranger"""'))
    stranger.execute(text('SET LOCAL ROLE "a ""stranger"""'))
    ensure_roles(stranger)
    assert all(may_work_in(stranger, role) for role in ROLES)


def test_who_may_make_roles_joins_them(connection: Connection) -> None:
    """On a server that has the roles already, made by somebody else, that is for their admin: PostgreSQL 16 and newer."""
    connection.execute(text("CREATE ROLE maker CREATEROLE"))
    for role in ROLES:
        connection.execute(text(f"GRANT {role} TO maker WITH ADMIN TRUE, SET FALSE, INHERIT FALSE"))
    connection.execute(text("SET LOCAL ROLE maker"))
    assert not may_work_in(connection, ROLES[0])
    ensure_roles(connection)
    assert all(may_work_in(connection, role) for role in ROLES)


def test_new_databases_of_a_new_server_make_the_roles_at_once(new_server: str) -> None:
    with _databases(new_server, 4) as engines:
        together = Barrier(len(engines))
        with engines[0].begin() as connection, pytest.raises(DatabaseRolesMissing):
            check_roles(connection)

        def prepare(engine: Engine) -> None:
            with engine.begin() as connection:
                together.wait()
                ensure_roles(connection)
                check_roles(connection)
                connection.execute(text("SELECT pg_sleep(0.05)"))  # the others wait for this transaction, and go on

        with ThreadPoolExecutor(len(engines)) as pool:
            list(pool.map(prepare, engines))
        with engines[0].begin() as connection:
            found = connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'termline%' ORDER BY 1"))
            assert list(found) == list(ROLES)


def test_a_served_process_may_log_in_as_nobody_but_a_member(new_server: str, catalogue: Catalogue) -> None:
    """Whoever wants more than the product's word lets it log in as a user who owns nothing."""
    with _databases(new_server, 1) as (engine,):
        with engine.begin() as connection:
            migrate(connection)
            connection.execute(text("CREATE ROLE web LOGIN"))
            connection.execute(text("GRANT termline_app, termline_partner TO web"))
        mere = engine_for(engine.url.set(username="web").render_as_string())
        try:
            ensure_schema(mere)
            with Runtime(mere, ReferenceMatcher(), catalogue).work("tester") as ctx:
                assert ctx.session.scalar(text("SELECT session_user || ' ' || current_user")) == "web termline_app"
        finally:
            mere.dispose()


def test_the_schema_of_a_user_is_searched_in_every_role(new_server: str) -> None:
    with _databases(new_server, 1) as (engine,):
        with engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA postgres"))  # what "$user" means to this user and to no other
        engine.dispose()
        with engine.begin() as connection:
            migrate(connection)
        with unit_of_work(engine) as session:
            assert session.scalar(text("SELECT count(*) FROM postgres.partners")) == 0
            assert session.scalar(text("SELECT count(*) FROM partners")) == 0


@contextmanager
def _databases(url: str, count: int) -> Iterator[list[Engine]]:
    first = engine_for(url)
    names = [f"fresh_{uuid4().hex}" for _ in range(count)]
    with first.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in names:
            connection.execute(text(f"CREATE DATABASE {name}"))
    engines = [engine_for(first.url.set(database=name).render_as_string(hide_password=False)) for name in names]
    yield engines
    for engine in (first, *engines):
        engine.dispose()
