"""Every test beside a pack comes out as it says, on each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from app.adapters.fact_files import shipped_catalogue
from app.adapters.pack_files import pack_names, pack_tests, shipped_pack
from app.adapters.yaml_files import parse_yaml
from app.assembly import matcher_for
from app.core.resources import shipped
from app.rulelang.packs import Filled, filled
from app.runtime import Runtime
from app.scenarios.errors import ScenarioMalformed
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


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('cpm: "22.50", ', "", ":3: /params/cpm: cpm is needed"),
        ('"22.50"', "22.5", ":3: /params/cpm: cpm is 22.5, a number with a point"),
        ("timezone: America/New_York", "timezone: New York", ":1: /timezone: expected an IANA time zone"),
        ("given: {facts", "given: {fact", ":7: /cases/0/given/fact: unknown key 'fact'"),
        ('at: "2025-01-14"', 'at: "2025-01-32"', ":6: /cases/0/at: a start is a date"),
        ("given: {facts", 'given: {params: {cpm: "-1"}, facts', ":7: /cases/0/given/params/cpm: cpm is at least 0"),
        (
            '{outcome: rated, amount: "277.76"',
            '{result: rated, amount: "277.76"',
            ":8: /cases/0/expect/result: unknown",
        ),
        ('{outcome: rated, amount: "277.76", rules: [otherwise], reasons: []}', "{}", "a case expects something"),
    ],
)
def test_tests_that_are_wrong_say_where(old: str, new: str, says: str) -> None:
    path = shipped("rules", "packs", "ctv_publisher_cpm", "tests.yaml")
    text = path.read_text()
    assert old in text
    with pytest.raises(ScenarioMalformed) as refused:
        pack_stories(shipped_pack("ctv_publisher_cpm"), parse_yaml(text.replace(old, new, 1), path))
    assert says in refused.value.message


def test_a_fact_that_no_conversion_carries_is_refused_where_it_stands(scratch: Connection) -> None:
    path = shipped("rules", "packs", "ctv_publisher_cpm", "tests.yaml")
    document = parse_yaml(path.read_text().replace("impressions: 12345", "impression: 12345"), path)
    story = pack_stories(shipped_pack("ctv_publisher_cpm"), document)[0]
    with taken_back(scratch), pytest.raises(ScenarioMalformed, match=r"tests\.yaml:7: /cases/0/given/facts/impression"):
        run_scenario(Runtime(scratch, matcher_for(Settings()), shipped_catalogue()), story)
