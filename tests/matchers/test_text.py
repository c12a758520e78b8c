"""Any text the catalogue admits passes through durable's own JSON parser unharmed: equal to itself and to nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.durable_matcher import DurableMatcher
from app.engine.reference import ReferenceMatcher
from app.rulelang.ast import AllOf, Leaf
from tests.builders.conditions import rules

DURABLE, REFERENCE = DurableMatcher(capacity=4), ReferenceMatcher()
SYNTAX = st.text(alphabet="\\\"'{}[],:u0 1A%$é\n\x00\x7f", max_size=6)
TEXT = SYNTAX | st.text(st.characters(exclude_categories=["Cs"]), max_size=1024)


@settings(max_examples=300, deadline=None)
@given(literal=TEXT, other=TEXT, fact=TEXT, joined=SYNTAX)
def test_text_equals_itself_alone(literal: str, other: str, fact: str, joined: str) -> None:
    conditions = rules(
        {
            "is": Leaf("a", "eq", (literal,)),
            "is not": Leaf("a", "neq", (literal,), "match"),
            "either": AllOf((Leaf("a", "in", (literal, other)), Leaf("b", "not_in", (other, joined), "match"))),
        }
    )
    for value in (literal, other, fact, (literal + joined)[:1024], literal[:-1]):
        for facts in ({"a": value}, {"a": value, "b": fact}, {"b": value}):
            assert DURABLE.matched(conditions, facts) == REFERENCE.matched(conditions, facts)
