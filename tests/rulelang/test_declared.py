"""Facts that a program declares: added to those there are, never changing one, each defect named where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.rulelang.declared import MAX_DECLARED, read_declared
from app.rulelang.diagnostics import Findings
from app.rulelang.facts import Catalogue, Fact
from app.rulelang.ruleset import check_rules
from tests.builders.terms import data

TIER = {"type": "enum", "meaning": "the customer's loyalty tier", "values": ["gold", "silver"], "example": '"gold"'}
ROOMS = {
    "type": "records",
    "meaning": "the rooms booked",
    "fields": {"nights": {"type": "integer", "meaning": "how many", "required": True}},
}


def declared(**facts: Any) -> tuple[dict[str, Fact], list[tuple[str, str]]]:
    findings = Findings()
    read = read_declared(facts, shipped_catalogue(), findings, "/facts")
    return read, [(finding.code, finding.pointer) for finding in findings.all]


def extended(**facts: Any) -> Catalogue:
    read, wrong = declared(**facts)
    assert wrong == []
    return shipped_catalogue().extended(read)


def test_rules_read_a_declared_fact_like_any_other() -> None:
    body = data("""
        kind: eligibility
        rules:
          - id: gold
            when:
              all:
                - {fact: loyalty, op: eq, value: gold}
                - {any_item: rooms, where: {fact: nights, op: gte, value: 3}}
            then: accept
        otherwise: {reject: NOT_GOLD}
    """)
    rules, _ = check_rules(body, extended(loyalty=TIER, rooms=ROOMS))
    assert rules is not None
    assert rules.facts_read == {"loyalty", "rooms"}
    assert [finding.code for finding in check_rules(body, shipped_catalogue())[1]] == ["unknown_fact"] * 2


def test_a_required_one_is_required() -> None:
    known = extended(loyalty={**TIER, "required": True})
    rules, _ = check_rules(
        data(
            "{kind: eligibility, otherwise: accept, rules: [{id: a, then: accept, when: {fact: loyalty, op: neq, value: gold}}]}"
        ),
        known,
    )
    assert rules is not None
    assert rules.facts_required == {"loyalty"}


def test_a_fact_that_exists_stays_what_it_is() -> None:
    text = {"type": "text", "meaning": "something else"}
    assert declared(country=text) == ({}, [("fact_known", "/facts/country")])
    first, _ = declared(loyalty=TIER)
    findings = Findings()
    again = read_declared({"loyalty": TIER}, shipped_catalogue().extended(first), findings)
    assert (again, findings.all) == ({}, [])
    read_declared({"loyalty": {**TIER, "values": ["gold"]}}, shipped_catalogue().extended(first), findings)
    assert [finding.code for finding in findings.all] == ["fact_known"]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ({}, [("missing_key", "")] * 2),
        ({"type": "number", "meaning": "m"}, [("unknown_choice", "/type")]),
        ({"type": "text", "meaning": ""}, [("wrong_type", "/meaning")]),
        ({"type": "text", "meaning": "two\nlines"}, [("wrong_type", "/meaning")]),
        ({"type": "text", "meaning": "m", "derived": True}, [("unknown_key", "/derived")]),
        ({"type": "text", "meaning": "m", "subject": "touch"}, [("unknown_choice", "/subject")]),
        ({"type": "text", "meaning": "m", "required": "yes"}, [("wrong_type", "/required")]),
        ({"type": "text", "meaning": "m", "values": ["a"]}, [("bad_declaration", "/values")]),
        ({"type": "enum", "meaning": "m"}, [("bad_declaration", "")]),
        ({"type": "enum", "meaning": "m", "values": []}, [("bad_declaration", "/values")]),
        ({"type": "enum", "meaning": "m", "values": ["a", "a"]}, [("bad_declaration", "/values")]),
        ({"type": "enum", "meaning": "m", "values": ["e\u0301"]}, [("bad_declaration", "/values")]),
        ({"type": "enum", "meaning": "m", "values": [1]}, [("bad_declaration", "/values")]),
        ({"type": "records", "meaning": "m"}, [("bad_declaration", "")]),
        ({"type": "records", "meaning": "m", "fields": {}}, [("bad_declaration", "/fields")]),
        ({"type": "text", "meaning": "m", "fields": {}}, [("bad_declaration", "/fields")]),
        (
            {"type": "records", "meaning": "m", "fields": {"a": {"type": "records", "meaning": "m"}, "B": TIER}},
            [("unknown_choice", "/fields/a/type"), ("bad_identifier", "/fields/B")],
        ),
    ],
)
def test_a_declaration_that_is_wrong_is_named(fact: Any, expected: list[tuple[str, str]]) -> None:
    read, found = declared(loyalty=fact)
    assert read == {}
    assert found == [(code, f"/facts/loyalty{at}") for code, at in expected]


@pytest.mark.parametrize("name", ["", "Loyalty", "5a", "a-b", "a b", "é", "a" * 65, "$s"])
def test_a_name_is_plain(name: str) -> None:
    assert declared(**{name: TIER})[1][0][0] == "bad_identifier"


def test_there_is_an_end_to_them() -> None:
    many = {f"f{n}": {"type": "text", "meaning": "m"} for n in range(MAX_DECLARED)}
    assert len(declared(**many)[0]) == MAX_DECLARED
    assert declared(**many, one_more=TIER)[1] == [("too_many_members", "/facts")]
    assert declared()[1] == [("wrong_type", "/facts")]
