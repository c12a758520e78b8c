"""Every story under `fixtures/` with conversions comes to the same decisions when they are settled in bulk: each that was
ever made, with its instant and its revision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.bulk.choice import Settling
from app.conversions.operations.settle_program import ONLY_DAYS
from app.engine.reference import ReferenceMatcher
from app.runtime import Runtime
from app.scenarios.run_scenario import run_scenario
from app.scenarios.scratch import scratch_database, taken_back
from app.scenarios.story import Story, read_story
from tests.scenarios.refused_in_bulk import REFUSED
from tests.scenarios.test_fixtures import FIXTURES, STORIES


def told(path: str) -> Story:
    """Return a story as it is written."""
    return read_story(read_yaml(FIXTURES / path))


def has_conversions(path: str) -> bool:
    """Tell whether a story has conversions, without which nothing is settled in bulk."""
    written = Path(FIXTURES / path).read_text(encoding="utf-8")
    return "- convert:" in written or "- convert_file:" in written


WITH_CONVERSIONS = [path for path in STORIES if has_conversions(path)]


@pytest.fixture(scope="module")
def scratch(database: Engine) -> Iterator[Connection]:
    """An empty database for all stories: each takes back what it did."""
    with scratch_database(database) as connection:
        yield connection


@pytest.mark.parametrize("path", WITH_CONVERSIONS)
def test_a_story_settled_in_bulk_comes_to_the_same_decisions(scratch: Connection, path: str) -> None:
    refused: list[str] = []
    in_bulk = decisions_after(scratch, path, Settling("duckdb", told=refused.append))
    assert in_bulk == decisions_after(scratch, path, Settling())
    expected = {reason for reason, stories in REFUSED.items() if path in stories}
    unlisted = [why for why in refused if why != ONLY_DAYS and not why.endswith(tuple(expected))]
    assert not unlisted, "bulk refuses this story; list it in refused_in_bulk.py"
    held = [reason for reason in expected if not any(why.endswith(reason) for why in refused)]
    assert not held, "bulk holds this story by now; take it off the list in refused_in_bulk.py"


def test_stories_that_are_listed_as_refused_are_there() -> None:
    assert {path for stories in REFUSED.values() for path in stories} <= set(WITH_CONVERSIONS)


def decisions_after(scratch: Connection, path: str, settling: Settling) -> list[tuple[Any, ...]]:
    """Return every decision that a story made, those that others took the place of among them, as it is stored."""
    with taken_back(scratch) as connection:
        runtime = Runtime(connection, ReferenceMatcher(), shipped_catalogue(), settling=settling)
        assert run_scenario(runtime, told(path), full=False).diff == []
        rows = [tuple(row) for row in connection.execute(text("SELECT * FROM decisions ORDER BY id"))]
    assert rows
    return rows
