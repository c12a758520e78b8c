"""Decides conversions both ways and holds the decisions against each other: every field, and every digest."""

from __future__ import annotations

from app.bulk.duckdb_runner import DuckDbRunner
from app.bulk.pipeline.run import decisions_of, load_conversions, run
from app.bulk.pipeline.world import World
from app.engine.decision import Decision, digest_of
from app.engine.factsheet import Conversion
from tests.bulk.online import online


def compare(runner: DuckDbRunner, world: World, given: list[Conversion]) -> dict[tuple[str, str | None], Decision]:
    """Return the decisions that both make. NotInBulk where bulk does not run the world."""
    load_conversions(runner, world, given)
    found = decisions_of(run(world, runner), given)
    expected = online(world, given)
    assert found == expected
    assert {key: digest_of(each.as_dict()) for key, each in found.items()} == {
        key: digest_of(each.as_dict()) for key, each in expected.items()
    }
    return found
