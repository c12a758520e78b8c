"""The world of two partners, made once for the tests that ask about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.core.clock import frozen_at
from app.engine.reference import ReferenceMatcher
from app.factory import create_app
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.access.caller import World
from tests.access.operations import ROLES
from tests.access.world import MINE, NOW, build
from tests.web.client import Keys


@pytest.fixture(scope="module")
def world(database: Engine, catalogue: Catalogue) -> Iterator[World]:
    """Two partners with everything, and a key of each role; taken back in the end."""
    with database.connect() as connection, connection.begin() as transaction:
        runtime = Runtime(connection, ReferenceMatcher(), catalogue, frozen_at(NOW))
        with runtime.work("tester") as ctx:
            ids = build(ctx)
        keys = Keys(runtime)
        for role in ROLES:
            keys.of(role, MINE if role == "partner" else f"the {role}")
        yield World(create_app(runtime), runtime, connection, keys, ids)
        transaction.rollback()
