"""Rules cut to what the engine can hold: no `any`, few alternatives, sets within every limit, and the same meaning."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from app.adapters.durable_plan import (
    MAX_ALTERNATIVES,
    MAX_CHAINS,
    MAX_GROUPS,
    MAX_PROPERTIES,
    Chain,
    Derived,
    chains_of,
    engine_sets,
    groups_of,
)
from app.engine.matcher import Facts
from app.engine.reference import is_true
from app.rulelang.ast import AllOf, AnyOf, Condition, Leaf
from app.rulelang.compiler import Check, predicate
from tests.builders.conditions import condition
from tests.builders.random_rules import random_condition, random_facts


def chains(when: Any) -> list[Chain]:
    return chains_of("r", condition(when))


def wide(groups: int, members: int) -> Condition:
    """Return a conjunction of choices between leaves, all on different facts."""
    return AllOf(tuple(AnyOf(tuple(Leaf(f"t{n}_{m}", "eq", ("x",)) for m in range(members))) for n in range(groups)))


def test_a_conjunction_is_one_chain() -> None:
    (chain,) = chains({"all": [["country", "eq", "US"], ["quantity", "gt", 1]]})
    assert [step.fact for step in chain.steps if isinstance(step, Check)] == ["country", "quantity"]


def test_always_is_a_chain_without_steps_and_never_is_no_chain() -> None:
    assert chains({"always": True}) == [Chain("r", ())]
    assert chains({"not": {"always": True}}) == []


def test_choices_are_multiplied_out_while_they_are_few() -> None:
    assert len(chains_of("r", wide(3, 2))) == 8
    assert not any(isinstance(step, Derived) for chain in chains_of("r", wide(3, 2)) for step in chain.steps)


def test_choices_beyond_that_are_computed_before_the_engine() -> None:
    found = chains_of("r", wide(11, 4))
    assert len(found) <= MAX_ALTERNATIVES
    assert any(isinstance(step, Derived) for step in found[0].steps)
    (one,) = chains_of("r", AnyOf(tuple(Leaf(f"t{n}", "eq", ("x",)) for n in range(13))))
    assert isinstance(one.steps[0], Derived)


def test_a_list_beyond_eight_members_is_computed_before_the_engine() -> None:
    (eight,), (nine,) = chains(["hour", "in", list(range(8))]), chains(["hour", "in", list(range(9))])
    assert isinstance(eight.steps[0], Check)
    assert isinstance(nine.steps[0], Derived)


@pytest.mark.parametrize(
    "when",
    [
        ["sku", "starts_with", "CD"],
        ["sku", "contains", "CD"],
        {"not": ["sku", "contains", "CD", "match"]},
        ["skus", "contains", "CD"],
        ["skus", "contains_any", ["CD"]],
        ["skus", "contains_all", ["CD"]],
        ["skus", "is_empty"],
        ["tax", "eq", {"fact": "shipping"}],
    ],
)
def test_what_the_engine_cannot_compare_is_computed_before_it(when: Any) -> None:
    (chain,) = chains(when)
    assert isinstance(chain.steps[0], Derived)


def test_the_engine_itself_tells_whether_a_list_is_there() -> None:
    (chain,) = chains(["skus", "exists"])
    assert isinstance(chain.steps[0], Check)


def test_a_chain_has_at_most_twelve_groups() -> None:
    (chain,) = chains_of("r", AllOf(tuple(Leaf(f"t{n}", "in", ("x", "y"), "match") for n in range(20))))
    assert sum(map(groups_of, chain.steps)) == MAX_GROUPS
    assert sum(isinstance(step, Derived) for step in chain.steps) == 8


def test_sets_stay_within_the_limits() -> None:
    many = [(f"r{n}", Leaf("country", "eq", (f"C{n}",))) for n in range(61)]
    assert [len(each) for each in engine_sets(many)] == [MAX_CHAINS, 1]
    broad = [(f"r{n}", AllOf(tuple(Leaf(f"t{n}_{m}", "exists", ()) for m in range(50)))) for n in range(5)]
    assert [len(each) for each in engine_sets(broad)] == [MAX_PROPERTIES // 100] * 2 + [1]
    lists = [(f"r{n}", Leaf("country", "in", tuple(f"C{n}{m}" for m in range(8)))) for n in range(60)]
    assert [len(each) for each in engine_sets(lists)] == [44, 16]


def test_chains_mean_what_the_condition_means() -> None:
    random = Random(11)
    for _ in range(1000):
        when = random_condition(random, depth=4)
        found = chains_of("r", when)
        for _ in range(5):
            facts = random_facts(random)
            assert any(holds(chain, facts) for chain in found) is is_true(when, facts), (when, facts)


def holds(chain: Chain, facts: Facts) -> bool:
    return all(predicate(step.normal if isinstance(step, Derived) else step)(facts) for step in chain.steps)
