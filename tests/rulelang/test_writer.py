"""What is written is what was read: rule bodies to JSON and back, with the same hash."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.core.canonical import content_hash
from app.rulelang.ruleset import check_rules, rules_from
from app.rulelang.writer import write_body
from tests.builders.bodies import VALID
from tests.builders.random_bodies import LARGE, SMALL, USUAL, Size, corpus
from tests.builders.terms import data


@pytest.mark.parametrize(("size", "count"), [(SMALL, 400), (USUAL, 1000), (LARGE, 30)])
def test_a_body_in_the_normal_spelling_is_written_back_to_the_same_hash(size: Size, count: int) -> None:
    for body in corpus(11, count, size):
        rules, findings = check_rules(body, shipped_catalogue())
        assert rules is not None, findings
        assert findings == []
        written = write_body(rules.body)
        assert written == body
        assert content_hash(written) == rules.hash
        assert rules_from(written, shipped_catalogue()).body == rules.body


def test_the_corpus_holds_the_whole_grammar() -> None:
    words = repr(corpus(11, 1000))
    for word in (
        *("all", "any", "not", "always", "any_item", "every_item", "no_item", "where", "if_missing", "name", "hold"),
        *(
            "flat",
            "percent",
            "per_unit",
            "cpm",
            "amount",
            "package",
            "tiers",
            "per_item",
            "sum",
            "least",
            "greatest",
            "clamp",
        ),
        *("free", "round", "min", "max", "flat_at_zero", "count", "bonuses", "limits", "month", "event", "volume"),
        *("crossing", "whole_at_old", "times", "counters", "carry", "restart", "quarter"),
    ):
        assert f"'{word}'" in words, word


@pytest.mark.parametrize("body", VALID)
def test_every_valid_body_reads_the_same_when_written_back(body: Any) -> None:
    read = rules_from(copy.deepcopy(body), shipped_catalogue()).body
    assert rules_from(write_body(read), shipped_catalogue()).body == read


@pytest.mark.parametrize(
    ("fact", "spelled", "normal"),
    [
        ("order_value", "5.00", "5"),
        ("order_value", 5, "5"),
        ("order_value", "-0.0", "0"),
        ("quantity", "3", 3),
        ("quantity", "9007199254740992", "9007199254740992"),
        ("first_seen_at", "1997-07-02T10:00:00.000-04:00", "1997-07-02T14:00:00Z"),
        ("session_length", "PT90M", "PT1H30M"),
        ("country", "e\u0301", "\u00e9"),
    ],
)
def test_of_two_spellings_one_is_normal(fact: str, spelled: Any, normal: Any) -> None:
    def body(value: Any) -> dict[str, Any]:
        when = {"fact": fact, "op": "eq", "value": value}
        rule = {"id": "a", "when": when, "then": "accept"}
        return {"kind": "eligibility", "rules": [rule], "otherwise": "accept"}

    assert write_body(rules_from(body(spelled), shipped_catalogue()).body) == body(normal)


def test_what_holds_anyway_is_not_written() -> None:
    spelled = data("""
        kind: payout
        "on": conversion
        hit: first
        rules: []
        otherwise: {package: {size: "10.0", amount: "1.50", free: "0", round: up}, of: quantity}
        bonuses: []
        limits: []
        """)
    assert write_body(rules_from(spelled, shipped_catalogue()).body) == data("""
        kind: payout
        "on": conversion
        hit: first
        rules: []
        otherwise: {package: {size: "10", amount: "1.5"}, of: quantity}
        """)
