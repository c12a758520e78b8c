"""The catalogue: every fact of `rules/facts.yaml` is explained by an example of its own type, and documented."""

from __future__ import annotations

import pytest

from app.adapters.fact_files import shipped_catalogue
from app.core.errors import Finding
from app.core.json_text import parse_json
from app.engine.factsheet import _DERIVED, typed_facts
from app.rulelang.facts import Fact, catalogue_from, typed_value
from tests.builders.rules_readme import README, with_tables

FACTS = list(shipped_catalogue())


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_a_fact_has_a_meaning_and_an_example_of_its_type(fact: Fact) -> None:
    assert len(fact.meaning) > 10
    assert not fact.meaning.endswith(".")
    value = typed_value(fact, parse_json(fact.example))
    assert not isinstance(value, Finding), value


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_a_name_is_plain(fact: Fact) -> None:
    assert fact.name.isascii()
    assert fact.name.rpartition(".")[2].replace("_", "").isalnum()
    assert fact.name.rpartition(".")[0] == ("" if fact.subject == "conversion" else fact.subject)
    assert fact.name == fact.name.lower()


def test_computed_facts_are_those_that_are_computed() -> None:
    derived = {fact.name for fact in FACTS if fact.derived and fact.subject == "conversion"}
    assert derived == _DERIVED.keys()
    assert all(fact.required for fact in FACTS if fact.derived)
    assert not derived & set(shipped_catalogue().names(sent_in="conversion"))


def test_the_tables_of_the_readme_are_current() -> None:
    text = README.read_text("utf-8")
    assert text == with_tables(text), "run: python -m tests.builders.rules_readme"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"type": "number", "meaning": "m"}, "fact x: type 'number'"),
        ({"type": "enum", "meaning": "m"}, r"fact x: type 'enum' with values \(\)"),
        ({"type": "text", "meaning": "m", "values": ["a"]}, "fact x: type 'text' with values"),
        ({"type": "text"}, r"fact x: .*missing keys \['meaning'\]"),
        ({"type": "text", "meaning": "m", "meening": "m", "name": "y"}, r"fact x: unknown keys \['meening', 'name'\]"),
    ],
)
def test_a_catalogue_that_is_wrong_names_the_fact(entry: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        catalogue_from({"x": entry})


def test_null_is_absent_and_every_defect_is_reported() -> None:
    facts, found = typed_facts(
        {"country": None, "order_value": "5.00", "quantity": "x", "cuntry": "US", "a/b": 1},
        shipped_catalogue(),
        "/facts",
    )
    assert [*facts] == ["order_value"]
    assert [(finding.code, finding.pointer, finding.hint) for finding in found] == [
        ("value_not_of_type", "/facts/quantity", "for example 3"),
        ("unknown_fact", "/facts/cuntry", "did you mean 'country'?"),
        ("unknown_fact", "/facts/a~1b", f"known: {', '.join(sorted(shipped_catalogue().names(sent_in='conversion')))}"),
    ]


def test_a_letter_may_have_thirty_marks_and_no_more() -> None:
    """Composing sorts the marks of a letter one by one: with a thousand of them a text takes a millisecond."""
    for marks, is_text in ((1, True), (30, True), (31, False), (1_000, False)):
        text = "a" + "\u0323\u0301" * (marks // 2) + "\u0301" * (marks % 2)
        typed = typed_value(shipped_catalogue()["sku"], text)
        assert isinstance(typed, str) is is_text, marks
    assert isinstance(typed_value(shipped_catalogue()["sku"], "e\u0301" * 400), str)
