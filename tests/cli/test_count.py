"""`termline count`: logs in, deliveries out; and what cannot be read is said with its line."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from app.adapters.yaml_files import read_yaml
from app.cli import group
from app.core.resources import shipped
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.scenarios.setting import agree, create_agreement, create_stage
from app.store.migrate import migrate
from app.store.session import engine_for
from tests.builders.open_bandit import IMPRESSIONS, deliveries

Termline = Callable[..., Result]
MAPPING = (shipped("fixtures") / "data" / "open_bandit_mapping.yaml").read_text()


@pytest.fixture(scope="module")
def agreed(fresh_database: str, catalogue: Catalogue) -> str:
    """A database with the contracts of the story of the Open Bandit impressions."""
    story = read_yaml(shipped("fixtures") / "impressions" / "open_bandit.yaml").data
    engine = engine_for(fresh_database)
    with engine.begin() as connection:
        migrate(connection)
    with Runtime(engine, ReferenceMatcher(), catalogue).work("tester") as ctx:
        create_stage(ctx, story["program"])
        for contract in story["contracts"]:
            create_agreement(ctx, "zozo", contract, set())
            for version in contract["versions"]:
                agree(ctx, contract["id"], version)
    engine.dispose()
    return fresh_database


@pytest.fixture
def termline(agreed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Termline:
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(group, ["count", *arguments], env={"DATABASE_URL": agreed})


def test_the_same_impressions_in_three_formats_are_the_deliveries_that_are_shipped(
    termline: Termline, tmp_path: Path
) -> None:
    with gzip.open(IMPRESSIONS, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    third = len(rows) // 3
    (tmp_path / "one.csv.gz").write_bytes(gzip.compress(_csv(rows[:third])))
    (tmp_path / "two.ndjson").write_text("\n".join(map(json.dumps, rows[third : 2 * third])) + "\n")
    (tmp_path / "rest.csv").write_bytes(_csv(rows[2 * third :]))
    typed = "served_at::TIMESTAMPTZ AS served_at, policy, campaign, position::INTEGER AS position"
    query = f"SELECT {typed} FROM read_csv('{tmp_path}/rest.csv', all_varchar = true)"
    duckdb.sql("SET TimeZone = 'UTC'")
    duckdb.sql(f"COPY ({query}) TO '{tmp_path}/three.parquet' (FORMAT parquet)")
    logs = ("one.csv.gz", "two.ndjson", "three.parquet")
    done = termline(*logs, "--mapping", "mapping.yaml", "--output", "counted.ndjson")
    assert (done.exit_code, done.stdout) == (0, "60,000 impressions counted. Deliveries: 144 written.\n"), done.stderr
    found = [json.loads(line) for line in (tmp_path / "counted.ndjson").read_text().splitlines()]
    assert [_plain(body) for body in found] == [
        {**body, "revision": 1}
        for body in sorted(deliveries(), key=lambda body: (body["contract"], body["delivered_on"]))
    ]

    stored = termline(*logs, "--mapping", "mapping.yaml", "--json")
    counts = {"accepted": 144, "superseded": 0, "duplicate": 0, "refused": 0}
    assert json.loads(stored.stdout) == {"impressions": 60_000, **counts}
    again = termline(*logs, "--mapping", "mapping.yaml")
    assert again.stdout.endswith("Deliveries: 0 accepted, 0 superseded, 144 duplicate, 0 refused.\n")
    # One impression less under the same revision is a contradiction; as the next revision it is a correction.
    (tmp_path / "fewer.csv").write_bytes(_csv(rows[1:third]))
    assert rows[0]["policy"] == "random"
    fewer = termline("fewer.csv", *logs[1:], "--mapping", "mapping.yaml")
    assert (fewer.exit_code, fewer.stdout.split("Deliveries: ")[1]) == (
        2,
        "0 accepted, 0 superseded, 143 duplicate, 1 refused.\n",
    )
    assert "random, 2019-11-24, 'all-3': Revision 1 of what zozo counted" in fewer.stderr
    revised = termline("fewer.csv", *logs[1:], "--mapping", "mapping.yaml", "--revision", "2")
    assert revised.stdout.endswith("Deliveries: 144 accepted, 0 superseded, 0 duplicate, 0 refused.\n")


def _csv(rows: list[dict[str, str]]) -> bytes:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "facts": {name.removeprefix("delivery."): value for name, value in body["facts"].items()}}


HEADER = "served_at,policy,campaign,position\n"
GOOD = "2019-11-24T00:00:34Z,bts,all,1\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", HEADER + GOOD + "2019-11-24,bts,all,1\n", "x.csv:3: served_at is an instant with an offset; found '2019-11-24'"),
        ("x.csv", HEADER + GOOD + "2019-02-30T00:00:00Z,bts,all,1\n", "x.csv:3: served_at is an instant"),
        ("x.csv", HEADER + GOOD + GOOD.replace("bts", ""), "x.csv:3: contract is missing"),
        ("x.csv", HEADER + GOOD.replace("1\n", "one\n"), "x.csv:2: position is a whole number; found 'one'"),
        ("x.csv", HEADER + '2019-11-24T00:00:34Z,bts,"a\nb",1\n' + GOOD.replace("all", ""), "x.csv:4: placement is missing"),
        ("x.csv", HEADER + GOOD + "2019-11-24T00:00:34Z,bts\n", "x.csv:3: 2 columns, where the header has 4"),
        ("x.csv", HEADER + GOOD.replace("bts", "nobody"), "There is no such contract: 'nobody' (1 impressions)"),
        ("x.csv", HEADER + GOOD.replace("all", "toys"), "bts, 2019-11-24, 'toys-1': campaign is 'toys'"),
        ("x.csv", HEADER + GOOD.replace("2019", "2999"), "served at 2999-11-24T00:00:34Z, which lies in the future"),
        ("x.csv", HEADER.replace("policy", "polcy") + GOOD, "/contract: x.csv has no column 'policy'"),
        ("x.csv", "", "x.csv:1: the first line names the columns, each once"),
        ("x.csv", "a,a\n1,2\n", "x.csv:1: the first line names the columns, each once"),
        ("x.csv", (HEADER + GOOD).encode() + b"\xff,bts,all,1\n", "x.csv:3: not UTF-8 text"),
        ("x.csv.gz", gzip.compress((HEADER + GOOD).encode(), mtime=0)[:-9], "x.csv.gz cannot be read"),
        ("x.ndjson", '\n{"served_at": "2019-11-24T00:00:34Z"}\n', "x.ndjson:2: contract is missing"),
        ("x.ndjson", '{"served_at":\n', "x.ndjson:1: not a JSON object"),
        ("x.ndjson", '\n5\n', "x.ndjson:2: contract is missing"),
        ("x.parquet", "PAR1", "x.parquet cannot be read"),
        ("x.txt", "", "x.txt: a log is a file .csv, .ndjson, .jsonl, .parquet"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_said_where_it_stands(
    termline: Termline, tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = termline(name, "--mapping", "mapping.yaml", "--output", "out.ndjson")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.ndjson").exists()


def test_a_log_that_is_not_there_is_said(termline: Termline) -> None:
    done = termline("none.csv", "--mapping", "mapping.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "none.csv cannot be read: No such file or directory." in done.stderr


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("program: zozo", "", "/program: expected the id of a program; found null"),
        ("program: zozo", "program: none", "There is no program 'none'"),
        ("source: zozo", "source: ''", "/source: expected text, who counted the impressions"),
        ("{column: campaign}", "{colum: campaign}", "/facts/campaign"),
        ('"{campaign}-{position}"', "home", "/placement: expected a template with columns in braces"),
        ("  campaign:", "  campain:", "/facts/campain"),
    ],
)
def test_a_mapping_that_says_too_little_is_refused(
    termline: Termline, tmp_path: Path, was: str, now: str, said: str
) -> None:
    (tmp_path / "mapping.yaml").write_text(MAPPING.replace(was, now))
    (tmp_path / "x.csv").write_text(HEADER + GOOD)
    done = termline("x.csv", "--mapping", "mapping.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
