"""The files of the Open Bandit story are what they claim to be, and its totals are those of a calculation without the product."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest
import yaml

from tests.builders.open_bandit import DELIVERIES, IMPRESSIONS, VISITS, deliveries, ndjson, rows, visits
from tests.independent import open_bandit

STORY = Path(__file__).parents[2] / "fixtures" / "impressions" / "open_bandit.yaml"
CSV_SHA256 = "9aa52b615fa3e81b732f55c61d9ceba550758c067aa14a882a91e7c8596fd45c"


def test_the_csv_is_the_one_that_was_taken_in() -> None:
    assert hashlib.sha256(gzip.decompress(IMPRESSIONS.read_bytes())).hexdigest() == CSV_SHA256
    assert sum(1 for _ in rows()) == 60_000


def test_the_story_is_told_the_impressions_of_the_csv() -> None:
    assert ndjson(deliveries()) == DELIVERIES.read_bytes()
    assert ndjson(visits()) == gzip.decompress(VISITS.read_bytes())
    assert sum(body["facts"]["impressions"] for body in deliveries()) == 60_000
    assert len(visits()) == 287


def test_the_story_expects_what_is_worked_out_without_the_product() -> None:
    expected = yaml.safe_load(STORY.read_text())["expect"]["statements"]
    found = {f"{policy}/{month}": said for (policy, month), said in open_bandit.totals(IMPRESSIONS).items()}
    assert {name: (str(total), lines) for name, (total, lines) in found.items()} == {
        name: (said["total"], said["line_count"]) for name, said in expected.items() if said["line_count"]
    }


@pytest.mark.parametrize(("shown", "yen"), [(2, 0), (3, 1)])
def test_a_line_is_rounded_to_whole_yen(tmp_path: Path, shown: int, yen: int) -> None:
    """At 240 yen per thousand two impressions are 0.48 yen, and three are 0.72."""
    lines = ["served_at,policy,campaign,item_id,position,clicked"]
    lines += ["2019-11-24T10:00:00+00:00,random,all,1,2,0"] * shown
    path = tmp_path / "few.csv"
    path.write_text("\n".join(lines))
    assert open_bandit.totals(path) == {("random", "2019-11"): (yen, yen)}
