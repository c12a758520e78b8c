"""Every story under `fixtures/` comes out as it says, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import read_yaml
from app.assembly import matcher_for
from app.cli.replay import stories
from app.core.resources import shipped
from app.runtime import Runtime
from app.scenarios.outcome import Outcome
from app.scenarios.run_scenario import run_scenario
from app.scenarios.scratch import scratch_database, taken_back
from app.scenarios.story import read_story
from app.settings import Engine as EngineName
from app.settings import Settings
from tests.builders.cdnow import FULL_ORDERS, full_story
from tests.independent.cdnow import expected

FIXTURES = shipped("fixtures")
STORIES = sorted(path.relative_to(FIXTURES).as_posix() for path in stories((FIXTURES,)))


@pytest.fixture(scope="module")
def scratch(database: Engine) -> Iterator[Connection]:
    """An empty database for all stories: each takes back what it did, as `termline replay` does."""
    with scratch_database(database) as connection:
        yield connection


def replayed(scratch: Connection, path: Path, engine: EngineName, *, full: bool = False) -> Outcome:
    with taken_back(scratch) as connection:
        runtime = Runtime(connection, matcher_for(Settings(engine=engine)), shipped_catalogue())
        return run_scenario(runtime, read_story(read_yaml(path)), full=full)


@pytest.mark.parametrize("engine", ["durable", "reference"])
@pytest.mark.parametrize("story", STORIES)
def test_a_story_comes_out_as_it_says(scratch: Connection, story: str, engine: EngineName) -> None:
    assert replayed(scratch, FIXTURES / story, engine).diff == []


def test_every_order_of_the_full_file_is_decided_and_billed_as_worked_out_without_the_product(
    scratch: Connection, tmp_path: Path
) -> None:
    """69,659 orders: each outcome and amount, and each of the 48 statements."""
    outcome = replayed(scratch, full_story(tmp_path), "durable", full=True)
    assert outcome.diff == []
    worked_out = {
        order["id"]: (order["outcome"], "0.00" if order["amount"] is None else f"{order['amount']:.2f}")
        for order in expected(FULL_ORDERS)
    }
    decided = {name: (decision["outcome"], decision["amount"]) for name, decision in outcome.decisions.items()}
    assert len(decided) == 69_659
    assert decided == worked_out
    for statement in outcome.statements.values():
        assert Decimal(statement["total"]) == sum(Decimal(line["amount"]) for line in statement["lines"])
