"""Every diagnostic: from a rule body to its code, the place it points at, and words that help."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.core.errors import Finding
from app.engine.factsheet import typed_facts
from app.rulelang import conditions
from app.rulelang.diagnostics import CODES, RulesRefused, string_hint
from app.rulelang.operators import OPERATORS
from app.rulelang.ruleset import check_rules, rules_from
from tests.builders.defects import BY_BINDING, BY_SIZE, CASES, eligibility, payout
from tests.builders.terms import data, findings

APP = Path(__file__).parents[2] / "app"


def cases() -> Iterator[Any]:
    for code, entries in CASES.items():
        for number, (body, pointer, says, hint) in enumerate(entries):
            yield pytest.param(code, body, pointer, says, hint, id=f"{code}-{number}")


@pytest.mark.parametrize(("code", "body", "pointer", "says", "hint"), list(cases()))
def test_a_defect_is_named_where_it_stands(code: str, body: str, pointer: str, says: str, hint: str | None) -> None:
    found = findings(body)
    at = [finding for finding in found if (finding.code, finding.pointer) == (code, pointer)]
    assert len(at) == 1 or code == "missing_key", found
    assert says in at[0].message
    assert len(at[0].message) < 250
    assert hint in at[0].hint if hint and at[0].hint else at[0].hint == hint or hint is None
    assert points_into(data(body), pointer), "the pointer leads nowhere"


def test_a_fact_that_is_computed_cannot_be_sent() -> None:
    _, found = typed_facts({"hour": 3, "hours": 3}, shipped_catalogue(), "/facts")
    assert [(finding.code, finding.pointer) for finding in found] == [
        ("derived_fact", "/facts/hour"),
        ("unknown_fact", "/facts/hours"),
    ]
    assert found[0].hint == "leave it out"


def test_every_code_has_a_test() -> None:
    assert CODES.keys() == CASES.keys() | BY_SIZE | BY_BINDING


def test_codes_that_are_used_are_described_and_the_other_way_round() -> None:
    used: set[str] = set()
    for folder in ("rulelang", "engine"):
        for path in sorted((APP / folder).rglob("*.py")):
            used |= codes_in(ast.parse(path.read_text("utf-8")))
    assert used == CODES.keys()


def codes_in(tree: ast.AST) -> set[str]:
    """Return the codes that findings are made with, and those handed to `items` and to the table of limits."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            by_name = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            first = node.args[:1] if name in ("add", "warn", "Finding") else []
            found |= {value.value for value in (*by_name, *first) if is_code(value)}
        elif isinstance(node, ast.Tuple):
            found |= {value.value for value in node.elts if is_code(value) and str(value.value).startswith("too_")}
    return found


def is_code(node: ast.AST) -> Any:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_every_code_is_described_in_a_sentence() -> None:
    for code, description in CODES.items():
        assert description.endswith("."), code
        assert 20 < len(description) < 160, code


def test_all_defects_are_reported_at_once() -> None:
    found = findings("""
        kind: payout
        "on": conversion
        hit: frist
        rules:
          - {id: "a b", when: {fact: contry, op: eq, value: US}, then: {flat: 5}}
          - {id: b, when: {all: [{fact: country, op: gt, value: US}, {fact: hour, op: eq, value: "x"}]}, then: {amount: x}}
        bonuses: 1
        limits: [{}]
        otherwise: {percent: "5", off: order_value}
        """)
    assert {(finding.code, finding.pointer) for finding in found} == {
        ("unknown_choice", "/hit"),
        ("bad_identifier", "/rules/0/id"),
        ("unknown_fact", "/rules/0/when/fact"),
        ("wrong_type", "/rules/0/then/flat"),
        ("operator_not_for_type", "/rules/1/when/all/0/op"),
        ("value_not_of_type", "/rules/1/when/all/1/value"),
        ("unknown_fact", "/rules/1/then/amount"),
        ("wrong_type", "/bonuses"),
        ("missing_key", "/limits/0"),
        ("unknown_key", "/otherwise/off"),
        ("missing_key", "/otherwise"),
    }
    assert len([finding for finding in found if finding.pointer == "/limits/0"]) == 6


def test_types_are_checked_in_every_rule_also_beside_what_cannot_be_read() -> None:
    found = findings("""
        kind: eligibility
        rules:
          - {id: "!", when: {fact: contry, op: eq, value: US}, then: accept}
          - {id: b, when: {not: {any: [{fact: contry, op: gt, value: 5}, {fact: sku, op: lt, value: A}]}}, then: accept}
          - {id: c, when: {fact: sku, op: eq, value: 7}, then: accept}
        otherwise: accept
        """)
    assert [(finding.code, finding.pointer) for finding in found] == [
        ("bad_identifier", "/rules/0/id"),
        ("unknown_fact", "/rules/0/when/fact"),
        ("unknown_fact", "/rules/1/when/not/any/0/fact"),
        ("operator_not_for_type", "/rules/1/when/not/any/1/op"),
        ("value_not_of_type", "/rules/2/when/value"),
    ]


def test_every_sign_and_foreign_name_of_an_operator_is_understood() -> None:
    for meant, others in conditions._OTHER_NAMES.items():
        assert meant in OPERATORS
        for other in others:
            found = findings(eligibility(f'{{fact: hour, op: "{other}", value: 1}}'))
            assert [(finding.code, finding.hint) for finding in found] == [
                ("unknown_operator", f"did you mean {meant!r}?")
            ]


def test_a_warning_does_not_refuse_the_rules() -> None:
    body = data(eligibility("{fact: order_value, op: gt, value: '1', if_missing: match}"))
    assert [finding.severity for finding in findings(body)] == ["warning"]
    assert rules_from(body, shipped_catalogue()).kind == "eligibility"


def test_a_refusal_names_the_first_defect_and_counts_the_others() -> None:
    with pytest.raises(RulesRefused) as caught:
        rules_from({"kind": "attribution", "claims": 1, "x": 2}, shipped_catalogue())
    assert caught.value.message == "The rules have 2 errors. /x: unknown key 'x' (and 1 more)"
    assert [finding.code for finding in caught.value.findings] == ["unknown_key", "unknown_choice"]
    with pytest.raises(RulesRefused, match=r"1 error\. /: a rule body is an object; found null$"):
        rules_from(None, shipped_catalogue())


def test_pointers_start_where_the_body_stands() -> None:
    body = data(payout("{sum: [{amount: nothing}, {flat: 1}]}"))
    _, found = check_rules(body, shipped_catalogue(), "/rules/payout/1/body")
    at = "/rules/payout/1/body/otherwise/sum"
    assert [finding.pointer for finding in found] == [f"{at}/1/flat", f"{at}/0/amount"]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("1e3", '"1000"'),
        ("-0.5", '"-0.5"'),
        ("1E-9", '"0.000000001"'),
        ("1e-10", "string of digits"),
        ("1e999999999", "digits"),
    ],
)
def test_the_hint_for_a_float_is_itself_accepted(written: str, hint: str) -> None:
    assert hint in string_hint(written)


def points_into(body: Any, pointer: str) -> bool:
    """Tell whether a pointer leads to something; every code points at what is there."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list) and key.isdigit() and int(key) < len(body):
            body = body[int(key)]
        elif isinstance(body, dict) and key in body:
            body = body[key]
        else:
            return False
    return True


def test_findings_are_data() -> None:
    shown = Finding("wrong_type", "m", "/a", None, "warning").at("/b").as_dict()
    assert shown == {"code": "wrong_type", "severity": "warning", "pointer": "/b/a", "message": "m"}
