"""YAML for people: it reads back as the same data, whatever is in it, and what looks like something else is quoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.yaml_files import parse_yaml
from app.adapters.yaml_text import COLUMNS, yaml_text

PATH = Path("x.yaml")
# Text as the product keeps it: no NUL and no halves of surrogate pairs.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**62), 2**62), TEXTS)
DATA = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text("abon_.5-", min_size=1, max_size=9), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["on", "rules", "id", "5", "null", "y"]), DATA))
def test_what_is_written_is_read_as_the_same(data: dict[str, Any]) -> None:
    assert parse_yaml(yaml_text(data), PATH).data == data
    assert parse_yaml(yaml_text(data, frozenset({"id"})), PATH).data == data


@given(st.lists(TEXTS))
def test_texts_are_texts_to_other_readers_of_yaml_as_well(texts: list[str]) -> None:
    assert yaml.safe_load(yaml_text({"texts": texts})) == {"texts": texts}


@pytest.mark.parametrize(
    "text", ["5", "1997-01-01", "12.50", "no", "ON", "null", "~", "", "1e5", ".inf", "5 apples", "0x1F"]
)
def test_what_looks_like_something_else_is_quoted(text: str) -> None:
    assert yaml_text({"said": text}) == f'said: "{text}"\n'


def test_short_parts_stand_on_one_line_and_long_ones_are_spread() -> None:
    leaf = {"fact": "order_value", "op": "gte", "value": "5.00"}
    rule = {"id": "a", "when": {"all": [leaf, leaf]}, "then": "accept"}
    assert yaml_text({"rules": [rule], "otherwise": {"reject": "LOW"}}) == (
        "rules:\n"
        "  - id: a\n"
        "    when:\n"
        "      all:\n"
        '        - {fact: order_value, op: gte, value: "5.00"}\n'
        '        - {fact: order_value, op: gte, value: "5.00"}\n'
        "    then: accept\n"
        "otherwise: {reject: LOW}\n"
    )


def test_lines_are_not_longer_than_a_screen() -> None:
    members = [f"CODE{number:04}" for number in range(3000)]
    data = {"lists": {"codes": [members]}, "reason": "word " * 99 + "end", "leaf": {"a" * 60: "b" * 45}}
    assert max(map(len, yaml_text(data).splitlines())) <= COLUMNS
