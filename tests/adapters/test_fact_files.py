"""The fact catalogue that is shipped can be loaded, and its examples are values of their facts."""

from __future__ import annotations

from app.adapters.fact_files import shipped_catalogue
from app.core.errors import Finding
from app.core.json_text import parse_json
from app.rulelang.facts import typed_value


def test_the_shipped_catalogue_is_loaded_once() -> None:
    assert shipped_catalogue() is shipped_catalogue()
    assert shipped_catalogue()["order_value"].type == "decimal"


def test_every_fact_says_what_it_means_with_an_example_that_it_takes() -> None:
    for fact in shipped_catalogue():
        assert fact.meaning, fact.name
        found = typed_value(fact, parse_json(fact.example))
        assert not isinstance(found, Finding), (fact.name, found)
