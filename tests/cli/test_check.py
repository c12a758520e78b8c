"""`termline check`: a file with one of each fault, and two versions against each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.analysis.findings import CODES
from app.cli.check import check
from app.core.resources import shipped
from tests.builders.witnesses import decided

FAULTS = shipped("fixtures", "rules", "data", "one_of_each_fault.json")
NOT_HERE = {"not_decided"}  # questions of this size are all decided


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(check, [str(each) for each in arguments])


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(name: str, body: Any) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(body))
        return path

    return write


def test_one_of_each_fault_is_printed_with_an_example() -> None:
    done = run(FAULTS)
    assert done.exit_code == 2
    lines = done.stdout.splitlines()
    heads = [place for place, line in enumerate(lines) if line.startswith(("error ", "warning "))]
    assert {lines[place].split()[1] for place in heads} == CODES.keys() - NOT_HERE
    assert all(lines[place + 1].startswith("  for example: ") for place in heads)


def test_every_example_is_decided_as_it_says() -> None:
    shown = json.loads(run(FAULTS, "--json").stdout)
    bodies = json.loads(FAULTS.read_text())
    assert shown["ok"] is False
    assert {finding["code"] for finding in shown["findings"]} == CODES.keys() - NOT_HERE
    for finding in shown["findings"]:
        witness = finding["witness"]
        if "conversion" in witness:
            kind = finding["pointer"].split("/")[1]
            _, matched = decided(kind, json.dumps(bodies[kind]), witness["conversion"])
            assert sorted(matched) == sorted(witness["matched"]), finding
        else:
            assert finding["code"] in ("total_drops", "limit_never_binds")
            assert witness["totals"]


def test_warnings_alone_leave_with_0(written: Any) -> None:
    done = run(written("rules.json", {"kind": "eligibility", "rules": [], "otherwise": {"hold": "LOOK"}}))
    assert done.exit_code == 0
    assert done.stdout.startswith("warning gap at /otherwise: ")


def test_a_version_is_compared_with_the_one_before(written: Any) -> None:
    def payout(percent: str, name: str) -> dict[str, Any]:
        rule = {
            "id": name,
            "when": {"fact": "hour", "op": "lt", "value": 9},
            "then": {"percent": percent, "of": "order_value"},
        }
        return {"kind": "payout", "on": "conversion", "hit": "first", "rules": [rule], "otherwise": {"flat": "0"}}

    old, renamed, raised = (
        written("old.json", payout("5", "a")),
        written("b.json", payout("5.0", "b")),
        written("c.json", payout("6", "a")),
    )
    same = run(renamed, "--against", old)
    assert (same.exit_code, same.stdout.splitlines()[-1]) == (
        0,
        "compared: every conversion is decided alike; ids and names of rules may differ",
    )
    other = run(raised, "--against", old)
    assert other.exit_code == 0
    assert (
        "compared: decided differently: before paid 3.85: 5 % of order_value, after paid 4.62: 6 % of order_value"
        in other.stdout
    )
    shown = json.loads(run(raised, "--against", old, "--json").stdout)["compared"]
    assert shown["same"] is False
    amounts = [
        str(decided("payout", json.dumps(payout(rate, "a")), shown["conversion"])[0].amount) for rate in ("5", "6")
    ]
    assert amounts == ["3.85", "4.62"]


def test_bodies_of_two_kinds_are_refused(written: Any) -> None:
    old = written("old.json", {"kind": "eligibility", "rules": [], "otherwise": "accept"})
    done = run(written("new.json", {"kind": "attribution", "claims": "accept"}), "--against", old)
    assert done.exit_code == 2
    assert "Compare two versions of one kind" in done.stderr


def test_an_old_file_with_errors_is_refused(written: Any) -> None:
    old = written("old.json", {"kind": "eligibility", "rules": []})
    done = run(written("new.json", {"kind": "eligibility", "rules": [], "otherwise": "accept"}), "--against", old)
    assert done.exit_code == 2
    assert "needs the key 'otherwise'" in done.stderr
