"""A scenario that is wrong says so with file, line and key; one that comes out differently shows a small diff."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from app.cli import group
from app.runtime import Runtime
from app.scenarios.outcome import Outcome
from app.scenarios.run_scenario import run_scenario
from app.scenarios.story import Story
from app.store.session import engine_for

Replay = Callable[..., Result]

STORY = """\
scenario: A flat fee
clock: "1997-08-05T09:00:00Z"
program: {id: shop, currency: USD, timezone: America/New_York}
contracts:
  - id: acme
    partner: acme
    versions:
      - effective_from: "1997-01-01"
        rules:
          eligibility: {rules: [], otherwise: accept}
          attribution: {claims: accept}
          payout: {on: conversion, hit: first, rules: [], otherwise: {flat: "2.00"}}
steps:
  - convert: {id: c1, event_at: "1997-07-02T10:00:00-04:00", partner: acme, facts: {order_value: "100.00"}}
  - bill: {contract: acme, period: "1997-07"}
expect:
  decisions: {c1: {amount: "2.00"}}
  statements: {acme/1997-07: {total: "2.00"}}
"""


@pytest.fixture
def replay(server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    monkeypatch.setenv("DATABASE_URL", server_url)

    def run(text: str, *options: str) -> Result:
        path = tmp_path / "story.yaml"
        path.write_text(text)
        return CliRunner().invoke(group, ["replay", *options, str(path)])

    return run


def test_a_story_that_comes_out_as_it_says_is_ok(replay: Replay) -> None:
    result = replay(STORY)
    assert (result.exit_code, result.stdout) == (0, "ok  A flat fee\n")


def test_a_decision_of_a_story_is_explained_as_of_its_end(replay: Replay) -> None:
    result = replay(STORY, "--explain", "c1")
    assert result.exit_code == 0
    assert "Line otherwise: 2 precisely, 2.00 USD paid." in result.stdout.splitlines()
    (line,) = replay(STORY, "--json", "--explain", "c1").stdout.splitlines()
    assert [each["amount"] for each in json.loads(line)["explanations"]] == ["2.00"]
    unknown = replay(STORY, "--explain", "c9")
    assert (unknown.exit_code, "'c9'" in unknown.stderr) == (2, True)


def test_json_has_one_line_a_story_with_decisions_statements_and_quotes(replay: Replay) -> None:
    result = replay(STORY, "--json")
    (line,) = result.stdout.splitlines()
    found = json.loads(line)
    assert list(found)[:6] == ["scenario", "ok", "diff", "decisions", "statements", "quotes"]
    assert found["versions"]["acme/1"]["status"] == "in_force"
    assert (found["scenario"], found["ok"], found["diff"], found["quotes"]) == ("A flat fee", True, [], {})
    assert found["decisions"]["c1"]["amount"] == "2.00"
    statement = found["statements"]["acme/1997-07"]
    assert statement["total"] == "2.00"
    assert [(posted["conversion"], posted["amount"]) for posted in statement["lines"]] == [("c1", "2.00")]


def test_a_difference_is_shown_small_and_leaves_with_status_1(replay: Replay) -> None:
    result = replay(STORY.replace('{total: "2.00"}', '{total: "2.01"}'))
    assert result.exit_code == 1
    assert '    statement acme/1997-07: total expected "2.01", found "2.00"\n' in result.stdout


def test_something_expected_that_is_not_there_is_a_difference(replay: Replay) -> None:
    result = replay(STORY.replace("{c1: {amount", "{c2: {amount"))
    assert result.exit_code == 1
    assert "decision c2: expected, but there is none (found: none)" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("clock:", "clokc:", 2, "unknown key 'clokc' (did you mean 'clock'?)"),
        ("  - convert:", "  - covert:", 14, "did you mean 'convert'?"),
        ("partner: acme, facts", "partnr: acme, facts", 14, "unknown key 'partnr' (did you mean 'partner'?)"),
        ("order_value:", "order_vale:", 14, "there is no fact 'order_vale' (did you mean 'order_value'?)"),
        (
            '"100.00"',
            "100.00",
            14,
            "order_value is 100.00, a number with a point or exponent, which computers store inexactly",
        ),
        ('flat: "2.00"', "flat: 2.00", 12, "an amount of money is 2.00, a number with a point"),
        ('"1997-07-02T10:00:00-04:00"', '"1997-07-02T10:00:00"', 14, "is an instant with an offset (RFC 3339)"),
        ('"1997-08-05T09:00:00Z"', '"1997-08-05T09:00:00"', 2, "expected an instant with an offset"),
        ("claims: accept", "claims: acept", 11, "did you mean 'accept'?"),
        ("contract: acme, period", "contract: acne, period", 15, "There is no contract 'acne'"),
        ('period: "1997-07"', 'period: "1997-7"', 15, "a period is a month YYYY-MM"),
        ("timezone: America/New_York", "timezone: America/Newyork", 3, "no IANA time zone"),
        ("currency: USD", "currency: USB", 3, "no ISO 4217 currency"),
        ("{amount:", "{amout:", 17, "unknown key 'amout' (did you mean 'amount'?)"),
        (
            "  - bill:",
            "  - reverse: {conversion: c9, reason: RETURN}\n  - bill:",
            15,
            "has no conversion 'c9'",
        ),
        ("steps:\n", "steps:\nsteps:\n", 14, "the key 'steps' stands twice"),
        (
            "  - bill:",
            '  - rate: {from: EUR, to: USD, day: "1997-07-02", rate: 1.1, source: ECB}\n  - bill:',
            15,
            "a rate is 1.1, a number with a point",
        ),
        (
            "  - bill:",
            '  - rate: {from: EUR, to: USD, day: soon, rate: "1.1", source: ECB}\n  - bill:',
            15,
            "expected a day; found 'soon'",
        ),
        (
            "  - bill:",
            '  - rate: {from: EUR, to: USD, day: "1997-07-02", rate: "1.1", sourse: ECB}\n  - bill:',
            15,
            "unknown key 'sourse'",
        ),
        (
            "  - bill:",
            '  - rate: {from: EUR, to: EUR, day: "1997-07-02", rate: "1.1", source: ECB}\n  - bill:',
            15,
            "EUR is always worth 1 EUR",
        ),
        (
            "  - bill:",
            '  - rate: {from: EUR, to: USD, day: "1997-07-02", rate: "0", source: ECB}\n  - bill:',
            15,
            "a rate is more than zero",
        ),
        ("scenario: A", "scenario: [A", 1, "expected"),
        ('effective_from: "1997-01-01"', "effective_from: soon", 8, "a start is a date (YYYY-MM-DD"),
        ('effective_from: "1997-01-01"', "effective_from: [1]", 8, "effective_from: expected text; found a list"),
        ("id: shop", "id: [p]", 3, "/program/id: an id has letters, digits"),
        ("id: shop", "id: a b", 3, "/program/id: an id has letters, digits"),
        ("currency: USD", "currency: [USD]", 3, "/program/currency: expected text; found a list"),
        ("timezone: America/New_York", "timezone: 5", 3, "/program/timezone: expected text; found 5"),
        ("currency: USD", "currency: USD, name: 5", 3, "/program/name: expected text; found 5"),
        (
            "currency: USD",
            "currency: USD, attribution: last",
            3,
            "/program/attribution: expected an attribution model, found 'last'",
        ),
        ("currency: USD", "currency: USD, attribution: {model: x}", 3, "time_decay; found 'x'"),
        ("currency: USD", "currency: USD, attribution: {model: [x]}", 3, "time_decay; found a list"),
        ("currency: USD", "currency: USD, attribution: {model: last_touch, days: 3}", 3, "unknown key 'days'"),
        ("  - id: acme", "  - id: 5", 5, "/contracts/0/id: an id has letters, digits"),
        ("  - id: acme", "  - id: a/b", 5, "/contracts/0/id: an id has letters, digits"),
        ("    partner: acme", "    partner: ~", 6, "/contracts/0/partner: an id has letters, digits"),
        ("    partner: acme", "    partner: [x]", 6, "/contracts/0/partner: an id has letters, digits"),
        (
            "    partner: acme",
            "    partner: acme\n    direction: up",
            7,
            "direction: expected one of payable, receivable",
        ),
        (
            "    partner: acme",
            "    partner: acme\n    rounding: up",
            7,
            "rounding: expected one of half_away, half_even",
        ),
        ("    partner: acme", "    partner: acme\n    rounding: ~", 7, "expected one of half_away, half_even"),
        ("    partner: acme", "    partner: acme\n    currency: [USD]", 7, "currency: expected text; found a list"),
        ("        rules:", "        base: x\n        rules:", 9, "base: expected the number of a version"),
        ("        rules:", "        backdated: [restate]\n        rules:", 9, "backdated: expected one of restate"),
        (
            "        rules:",
            "        recorded_at: 5\n        rules:",
            9,
            "recorded_at: expected an instant with an offset",
        ),
        ("steps:\n", "steps:\n  - amend: {contract: [k], effective_from: '1997-08-01'}\n", 14, "contract: an id has"),
        ("steps:\n", "steps:\n  - amend: {contract: acme, effective_from: 5}\n", 14, "effective_from: expected text"),
        (
            "steps:\n",
            "steps:\n  - amend: {contract: acme, effective_from: '1997-08-01', base: true}\n",
            14,
            "base: expected the number of a version",
        ),
        (
            "steps:\n",
            "steps:\n  - amend: {contract: acme, effective_from: '1997-08-01', rules: [1]}\n",
            14,
            "rules: expected an object of rules by kind; found a list",
        ),
        (
            "steps:\n",
            "steps:\n  - amend: {contract: acme, effective_from: '1997-08-01', termination: 1}\n",
            14,
            "termination: expected true or false",
        ),
        ("bill: {contract: acme", "bill: {contract: {a: b}", 15, "bill/contract: an id has letters, digits"),
        ("bill: {contract: acme", "bill: {contract: [acme]", 15, "bill/contract: an id has letters, digits"),
        ('period: "1997-07"', "period: [1997-07]", 15, "bill/period: expected text; found a list"),
        ("steps:\n", "steps:\n  - quote: {id: [1], formula: {flat: '1'}, facts: {}}\n", 14, "quote/id: an id is"),
        ("steps:\n", "steps:\n  - convert_file: {path: [x]}\n", 14, "convert_file/path: expected text; found a list"),
        ("steps:\n", "steps:\n  - convert_file: {path: nowhere}\n", 14, "nowhere cannot be read: No such file"),
        ('{c1: {amount: "2.00"}}', "{c1: {amount: 2.00}}", 17, 'write it as a string: "2.00"'),
        ('{c1: {amount: "2.00"}}', "{c1: {lines: [{precise: 2.5}]}}", 17, "lines/0/precise: what is expected is 2.5"),
        ('{total: "2.00"}', "{total: 2e0}", 18, "statements/acme~11997-07/total: what is expected is 2e0"),
        ('{c1: {amount: "2.00"}}', "[]", 17, "expected an object by id; found a list"),
    ],
)
def test_a_mistake_is_named_with_line_and_key_and_leaves_with_status_2(
    replay: Replay, old: str, new: str, line: int, says: str
) -> None:
    assert old in STORY
    result = replay(STORY.replace(old, new, 1))
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert f"story.yaml:{line}: " in result.stderr or says == "expected"
    assert result.stdout == ""


def test_a_bad_line_of_a_file_is_named(replay: Replay, tmp_path: Path) -> None:
    body = {"id": "f1", "event_at": "1997-07-03T00:00:00Z", "partner": "acme", "facts": {}}
    (tmp_path / "more.ndjson").write_text(f'{json.dumps(body)}\n{{"id": "f2"\n{json.dumps({**body, "id": 3})}\n')
    result = replay(STORY.replace("  - bill:", "  - convert_file: {path: more.ndjson}\n  - bill:"))
    assert result.exit_code == 2
    assert "more.ndjson:2: not JSON: line 1 column" in result.stderr
    assert "more.ndjson:3: " in result.stderr
    assert "/id" in result.stderr


def test_an_empty_line_of_a_file_is_a_line_all_the_same(replay: Replay, tmp_path: Path) -> None:
    (tmp_path / "more.ndjson").write_text("\n\n{\n")
    result = replay(STORY.replace("  - bill:", "  - convert_file: {path: more.ndjson}\n  - bill:"))
    assert result.exit_code == 2
    assert "more.ndjson:3: not JSON" in result.stderr


@pytest.mark.parametrize("packed", [b"not gzip", gzip.compress(b"{}\n" * 1000, mtime=0)[:-12], b""])
def test_a_damaged_file_is_named(replay: Replay, tmp_path: Path, packed: bytes) -> None:
    (tmp_path / "more.ndjson.gz").write_bytes(packed or gzip.compress(b"x" * 99, mtime=0)[:10] + b"\xff" * 20)
    result = replay(STORY.replace("  - bill:", "  - convert_file: {path: more.ndjson.gz}\n  - bill:"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "story.yaml:15: /steps/1/convert_file/path: " in result.stderr
    assert "more.ndjson.gz cannot be read: the file is damaged" in result.stderr


def test_a_folder_without_a_story_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mapping.yaml").write_text("a: 1")
    result = CliRunner().invoke(group, ["replay", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{tmp_path} holds no scenario" in result.stderr


def test_a_fault_in_one_story_does_not_lose_the_others(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(STORY.replace("A flat fee", "Broken"))

    def broken(runtime: Runtime, story: Story, *rest: Any, **options: Any) -> Outcome:
        if story.name == "Broken":
            runtime.bind.execute(text("SELECT nonsense"))  # type: ignore[union-attr]
        return run_scenario(runtime, story, *rest, **options)

    monkeypatch.setattr(sys.modules["app.cli.replay"], "run_scenario", broken)
    result = replay(STORY, str(tmp_path / "a.yaml"))
    assert (result.exit_code, result.stdout) == (3, "ok  A flat fee\n")
    assert "Traceback" in result.stderr
    assert f"{tmp_path / 'a.yaml'}: A fault of ours: ProgrammingError: " in result.stderr
    lines = [json.loads(line) for line in replay(STORY, str(tmp_path / "a.yaml"), "--json").stdout.splitlines()]
    assert [(line["ok"], line.get("error")) for line in lines] == [(False, "fault"), (True, None)]


def test_stories_leave_nothing_in_the_database(replay: Replay, server_url: str) -> None:
    assert replay(STORY).exit_code == 0
    engine = engine_for(server_url)
    with engine.connect() as connection:
        left = connection.scalars(text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'termline%'")).all()
    engine.dispose()
    assert left == []


def test_both_engines_give_a_line_each(replay: Replay) -> None:
    result = replay(STORY, "--engine", "both", "--json")
    assert [json.loads(line)["engine"] for line in result.stdout.splitlines()] == ["durable", "reference"]
