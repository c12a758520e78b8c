"""Every test beside a pack comes out as it says, on each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from app.adapters.fact_files import shipped_catalogue
from app.adapters.pack_files import pack_names, pack_tests, shipped_pack
from app.assembly import matcher_for
from app.rulelang.packs import Filled, filled
from app.runtime import Runtime
from app.scenarios.pack_tests import CASE, pack_stories
from app.scenarios.run_scenario import run_scenario
from app.scenarios.scratch import scratch_database, taken_back
from app.scenarios.story import Story
from app.settings import Engine as EngineName
from app.settings import Settings

CASES = [
    pytest.param(story, id=f"{name}: {story.name}")
    for name in pack_names()
    for story in pack_stories(shipped_pack(name), pack_tests(name))
]


@pytest.fixture(scope="module")
def scratch(database: Engine) -> Iterator[Connection]:
    with scratch_database(database) as connection:
        yield connection


@pytest.mark.parametrize("engine", ["durable", "reference"])
@pytest.mark.parametrize("story", CASES)
def test_a_case_comes_out_as_it_says(scratch: Connection, story: Story, engine: EngineName) -> None:
    with taken_back(scratch):
        runtime = Runtime(scratch, matcher_for(Settings(engine=engine)), shipped_catalogue())
        assert run_scenario(runtime, story).diff == []


@pytest.mark.parametrize("name", pack_names())
def test_every_outcome_a_pack_can_have_is_expected_by_a_case(name: str) -> None:
    """Each code with which it refuses or holds, each rule that pays, each limit, and a fact that is missing."""
    pack = shipped_pack(name)
    sample = filled(pack, pack.examples)
    assert isinstance(sample, Filled)
    eligibility, payout = sample.rules["eligibility"], sample.rules["payout"]
    verdicts = [*(rule["then"] for rule in eligibility["rules"]), eligibility["otherwise"]]
    codes = {code for verdict in verdicts if isinstance(verdict, dict) for code in verdict.values()}
    paying = {rule["id"] for rule in (*payout["rules"], *payout.get("bonuses", []))}
    expected = [story.expect["decisions"][CASE] for story in pack_stories(pack, pack_tests(name))]
    assert {code for one in expected for code in one.get("reasons", [])} == codes | {"MISSING_FACT", "LIMIT_REACHED"}
    assert {rule for one in expected for rule in one.get("rules", [])} == paying | {"otherwise"}
    assert len(expected) >= 6
