"""A database that is migrated once, and for each test a transaction on it that is taken back."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url

from app.adapters.embedded_postgres import acquire
from app.adapters.fact_files import shipped_catalogue
from app.engine.reference import ReferenceMatcher
from app.factory import create_app
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.store.migrate import migrate
from app.store.session import engine_for
from tests.web.client import ApiClient, Keys


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that have the long tests run as well, or generated cases run long, and from where."""
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes as well")
    parser.addoption("--runs", type=int, help="how many generated cases to play, instead of what a quick run needs")
    parser.addoption("--seed", type=int, help="the seed generated cases begin with")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests unless they are asked for, and let a long run take its time."""
    for item in items:
        if item.get_closest_marker("slow") and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --slow"))
        if config.getoption("--runs"):
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server that DATABASE_URL names, or an embedded one."""
    url = os.environ.get("DATABASE_URL")
    if url:
        yield url
        return
    home: Path = tmp_path_factory.mktemp("server")
    with acquire(home) as server:
        yield server.url


@pytest.fixture(scope="session")
def database(server_url: str) -> Iterator[Engine]:
    """A database of this run's own, migrated, and dropped in the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _outside_transactions(server_url, f'CREATE DATABASE "{name}"')
    url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    engine = engine_for(url)
    with engine.begin() as connection:
        migrate(connection)
    yield engine
    engine.dispose()
    _outside_transactions(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    """A connection inside a transaction that is rolled back: sessions on it commit to savepoints only."""
    with database.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The fact catalogue that is shipped."""
    return shipped_catalogue()


@pytest.fixture
def runtime(connection: Connection, catalogue: Catalogue) -> Runtime:
    """A process with the reference engine and the system's clock, inside the test's transaction."""
    return Runtime(bind=connection, matcher=ReferenceMatcher(), catalogue=catalogue)


@pytest.fixture
def ctx(runtime: Runtime) -> Iterator[Context]:
    """The context of one unit of work by `tester`."""
    with runtime.work("tester") as context:
        yield context


@pytest.fixture
def keys(runtime: Runtime) -> Keys:
    """API keys by role, made when first asked for."""
    return Keys(runtime)


@pytest.fixture
def client(runtime: Runtime, keys: Keys) -> ApiClient:
    """A client of the API; each answer is checked against the API document. It has admin's key unless told otherwise."""
    return ApiClient(create_app(runtime), keys)


def _outside_transactions(url: str, statement: str) -> None:
    engine = engine_for(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()
