"""Quotes: published prices of other systems, priced through the engine and through `termline quote`, and refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli.quote import quote as command
from app.core.json_text import parse_json
from app.core.resources import shipped
from app.engine.quote import Quote, quote
from tests.builders.terms import data

PUBLISHED = shipped("fixtures", "data", "pricing_examples.json")
CASES = parse_json(PUBLISHED.read_bytes())


def test_every_published_case_names_its_source() -> None:
    assert len(CASES) == 32
    assert all(len(case["source"]) > 20 and case["expect"] for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_engine_gives_the_published_answer(case: Any) -> None:
    found = quote(case)
    assert isinstance(found, Quote), found
    assert found.as_dict().items() >= case["expect"].items()


def test_the_command_gives_the_published_answers() -> None:
    result = CliRunner().invoke(command, [str(PUBLISHED)])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["id"] for line in lines] == [case["id"] for case in CASES]
    for line, case in zip(lines, CASES, strict=True):
        assert line.keys() == {"id", "amount", "amount_precise"}
        assert line.items() >= case["expect"].items()


def run(tmp_path: Path, text: str, *options: str) -> tuple[int, list[dict[str, Any]], str]:
    path = tmp_path / "cases.json"
    path.write_text(text, "utf-8")
    result = CliRunner().invoke(command, [str(path), *options])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_a_case_that_cannot_be_priced_does_not_stop_the_others(tmp_path: Path) -> None:
    cases = (
        '[{"id": "a", "formula": {"flat": 5.0}, "facts": {}}, {"id": "b", "formula": {"flat": "5"}, "facts": {}}, 7]'
    )
    status, lines, _ = run(tmp_path, cases)
    assert status == 2
    assert lines[0]["error"].startswith("/0/formula/flat: an amount of money is 5.0, a number with a point")
    assert lines[1] == {"id": "b", "amount": "5.00", "amount_precise": "5"}
    assert lines[2] == {"id": None, "error": "/2: expected a quote, found 7"}


def test_the_later_of_two_cases_of_one_id_is_refused(tmp_path: Path) -> None:
    case = '{"id": "a", "formula": {"flat": "5"}, "facts": {}}'
    unnamed, numbered = case.replace('"id": "a", ', ""), case.replace('"a"', "1")
    status, lines, _ = run(tmp_path, f"[{case}, {case}, {numbered}, {unnamed}, {unnamed}]")
    assert status == 2
    assert lines[1] == {"id": "a", "error": "/1/id: the case /0 has the id 'a' already"}
    assert ["error" in line for line in lines] == [False, True, False, False, False]


def test_the_steps_are_shown_when_they_are_asked_for(tmp_path: Path) -> None:
    cases = '[{"id": "a", "formula": {"percent": "5", "of": "v"}, "facts": {"v": "3"}, "currency": "JPY"}]'
    _, lines, _ = run(tmp_path, cases, "--steps")
    assert lines == [
        {"id": "a", "amount": "0", "amount_precise": "0.15", "steps": ["5 % of v (v is 3) comes to 0.15"]},
    ]


@pytest.mark.parametrize("text", ['{"id": 1}', "[", '[{"id": 1, "id": 2}]'])
def test_a_file_that_holds_no_list_of_cases_is_refused(tmp_path: Path, text: str) -> None:
    status, lines, error = run(tmp_path, text)
    assert (status, lines) == (2, [])
    assert "cases.json" in error


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("USD", "1.01"), ("JPY", "1"), ("KWD", "1.005"), ("CLF", "1.0050"), ("MRU", "1.01")],
)
def test_an_amount_is_rounded_half_away_to_the_minor_unit_of_its_currency(currency: str, amount: str) -> None:
    found = quote({"formula": {"flat": "1.005"}, "facts": {}, "currency": currency})
    assert isinstance(found, Quote)
    assert found.as_dict() == {"amount": amount, "amount_precise": "1.005"}


TABLE = """
    formula:
      tiers:
        {mode: graduated, by: %s, window: month, rate: per_unit, steps: [{up_to: "10", unit: "1"}, {up_to: null, unit: "2"}]}
    facts: {v: "5"}
    before: %s
"""


@pytest.mark.parametrize(
    ("by", "before", "amount"),
    [
        ("{count: true}", "{}", 1),
        ("{count: true}", '{count: 9, sum: "100"}', 1),
        ("{count: true}", '{count: "10"}', 2),
        ("{sum: v}", '{sum: "8.5", count: 100}', "8.5"),
        ("{sum: v}", "{sum: 10}", 10),
    ],
)
def test_before_is_what_the_window_held(by: str, before: str, amount: Any) -> None:
    found = quote(data(TABLE % (by, before)))
    assert isinstance(found, Quote), found
    assert found.amount_precise == Decimal(amount)


@pytest.mark.parametrize(
    ("case", "pointer", "says"),
    [
        ({}, "", "a quote needs the key 'formula'"),
        ({"formula": {"flat": "1"}, "facts": {}, "fact": 1}, "/fact", "unknown key 'fact'"),
        ({"formula": {"flat": "1"}, "facts": []}, "/facts", "facts is an object; found a list"),
        (
            {"formula": {"amount": "v"}, "facts": {"v": "five"}},
            "/facts",
            "the fact 'v', a numeric string; found 'five'",
        ),
        ({"formula": {"amount": "v"}, "facts": {"v": True}}, "/facts", "the fact 'v', a numeric string; found True"),
        ({"formula": {"amount": "v"}, "facts": {"v": 10**18}}, "/facts", "found 1000000000000000000"),
        ({"formula": {"amount": "v"}, "facts": {}}, "/facts", "the formula needs the fact 'v', a numeric string"),
        ({"formula": {"flat": "1"}, "facts": {"v": 1.5}}, "/facts/v", "v is 1.5, a number with a point"),
        ({"formula": {"flat": "1"}, "facts": {}, "currency": "XAU"}, "/currency", "no ISO 4217 currency: 'XAU'"),
        ({"formula": {"flat": "1"}, "facts": {}, "currency": "usd"}, "/currency", "no ISO 4217 currency: 'usd'"),
        ({"formula": {"flat": "1"}, "facts": {}, "currency": ["USD"]}, "/currency", "no ISO 4217 currency: a list"),
        ({"formula": {"flat": "1"}, "facts": {}, "before": {"cuont": "5"}}, "/before/cuont", "unknown key 'cuont'"),
        ({"formula": {"flat": "1"}, "facts": {}, "before": {"sum": "x"}}, "/before/sum", "sum is digits"),
        ({"formula": {"flat": "1"}, "facts": {}, "before": {"count": True}}, "/before/count", "found True"),
        ({"formula": {"flat": "1"}, "facts": {}, "before": {"sum": 1.5}}, "/before/sum", "sum is 1.5"),
        ({"formula": {"flat": "1"}, "facts": {}, "before": {"sum": "-0.01"}}, "/before/sum", "sum is 0 or more"),
        ({"formula": {"flat": "1"}, "facts": {}, "before": {"count": -1}}, "/before/count", "count is 0 or more"),
        ({"formula": {"flat": "1"}, "facts": {}, "before": []}, "/before", "expected before, found a list"),
    ],
)
def test_what_cannot_be_priced_is_refused_and_never_taken_for_zero(case: Any, pointer: str, says: str) -> None:
    found = quote(case)
    assert isinstance(found, list)
    assert [finding for finding in found if finding.pointer == pointer and says in finding.message], found


def test_other_facts_may_be_anything() -> None:
    found = quote({"formula": {"amount": "v"}, "facts": {"v": 3, "name": "x", "is": True, "none": None, "list": [1]}})
    assert isinstance(found, Quote)
    assert found.amount_precise == 3
