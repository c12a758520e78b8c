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
            assert finding["code"] in ("total_drops", "limit_never_binds", "limit_leaves_nothing")
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


def test_rules_are_read_with_facts_parameters_and_lists(written: Any) -> None:
    all_of = [
        {"fact": "tier", "op": "eq", "value": "gold"},
        {"fact": "order_value", "op": "gte", "value": {"param": "minimum"}},
        {"fact": "coupon_code", "op": "in", "value": {"list": "vip"}},
    ]
    rule = {"id": "a", "when": {"all": all_of}, "then": "accept"}
    body = written("rules.json", {"kind": "eligibility", "rules": [rule], "otherwise": {"reject": "NO"}})
    alone = run(body)
    assert alone.exit_code == 2
    assert [line.split()[1] for line in alone.stdout.splitlines()] == ["unknown_fact", "unknown_param", "unknown_list"]
    facts = written("facts.json", {"tier": {"type": "enum", "meaning": "the tier", "values": ["gold"]}})
    params, lists = (
        written("params.json", {"minimum": "5"}),
        written("lists.json", {"vip": {"type": "text", "members": ["B", "A"]}}),
    )
    done = run(body, "--facts", facts, "--params", params, "--lists", lists)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == (
        "a: accept when tier is gold and order_value is at least 5.00 (parameter minimum)"
        " and coupon_code is one of A, B (list vip)"
    )


def test_what_is_wrong_with_those_files_is_said(written: Any) -> None:
    body = written("rules.json", {"kind": "eligibility", "rules": [], "otherwise": "accept"})
    facts, lists = written("facts.json", {"tier": {"type": "enum"}}), written("lists.json", {"vip": {"type": "text"}})
    done = run(body, "--facts", facts, "--lists", lists, "--params", written("params.json", []))
    assert done.exit_code == 2
    assert all(name in done.output for name in ("facts.json/tier", "lists.json/vip", "params.json"))
