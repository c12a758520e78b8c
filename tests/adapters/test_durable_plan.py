"""Rules cut to what the engine can hold: no `any`, few alternatives, sets within every limit, and the same meaning."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from app.adapters.durable_codec import SetCodec
from app.adapters.durable_plan import (
    MAX_ALTERNATIVES,
    MAX_BRANCHES,
    MAX_CHAINS,
    MAX_GROUPS,
    MAX_PROPERTIES,
    MAX_STEPS,
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


def any_of(members: int) -> Condition:
    return AnyOf(tuple(Leaf(f"t{n}", "eq", ("x",)) for n in range(members)))


def derived(found: list[Chain]) -> int:
    return len({step for chain in found for step in chain.steps if isinstance(step, Derived)})


@pytest.mark.parametrize(("members", "alternatives"), [(MAX_ALTERNATIVES, 12), (MAX_ALTERNATIVES + 1, 1)])
def test_a_choice_of_twelve_is_multiplied_out_and_of_thirteen_computed(members: int, alternatives: int) -> None:
    found = chains_of("r", any_of(members))
    assert (len(found), derived(found)) == (alternatives, int(alternatives == 1))


@pytest.mark.parametrize(("others", "alternatives"), [(MAX_STEPS // 12 - 1, 12), (MAX_STEPS // 12, 1)])
def test_alternatives_repeat_what_stands_beside_them_only_up_to_a_limit(others: int, alternatives: int) -> None:
    beside = tuple(Leaf(f"o{n}", "eq", (1,)) for n in range(others))
    found = chains_of("r", AllOf((any_of(12), *beside)))
    assert (len(found), derived(found)) == (alternatives, int(alternatives == 1))
    assert sum(len(chain.steps) for chain in found) <= MAX_STEPS


def test_a_chain_without_alternatives_may_have_every_leaf_of_the_language() -> None:
    (chain,) = chains_of("r", AllOf(tuple(Leaf(f"t{n}", "eq", (1,)) for n in range(50))))
    assert len(chain.steps) == 50


@pytest.mark.parametrize(("groups", "computed"), [(MAX_GROUPS, 0), (MAX_GROUPS + 1, 1)])
def test_twelve_groups_stay_and_the_thirteenth_is_computed(groups: int, computed: int) -> None:
    found = chains_of("r", AllOf(tuple(Leaf(f"t{n}", "in", ("x", "y")) for n in range(groups))))
    assert (len(found), derived(found)) == (1, computed)


@pytest.mark.parametrize(("facts", "sets"), [(MAX_PROPERTIES // 2, 1), (MAX_PROPERTIES // 2 + 1, 2)])
def test_a_set_is_cut_where_it_would_send_too_many_properties(facts: int, sets: int) -> None:
    """Each fact is counted for its value and its presence."""
    whens = [(f"r{n}", AllOf(tuple(Leaf(f"t{n}_{m}", "eq", (1,)) for m in range(10)))) for n in range(facts // 10)]
    rest = [("rest", AllOf(tuple(Leaf(f"u{m}", "eq", (1,)) for m in range(facts % 10))))]
    assert len(engine_sets([*whens, *rest])) == sets


@pytest.mark.parametrize(("rules", "sets"), [(MAX_BRANCHES // 8, 1), (MAX_BRANCHES // 8 + 1, 2)])
def test_a_set_is_cut_where_a_node_would_have_too_many_branches(rules: int, sets: int) -> None:
    lists = [(f"r{n}", Leaf("hour", "in", tuple(range(n, n + 7)))) for n in range(rules)]
    assert len(engine_sets(lists)) == sets


@pytest.mark.parametrize("op", ["in", "not_in"])
def test_ten_thousand_members_are_one_property_and_leave_the_definition_small(op: str) -> None:
    (chain,) = chains_of("r", Leaf("country", op, tuple(f"C{n}" for n in range(10_000))))
    codec = SetCodec((chain,))
    assert len(str(codec.definition)) < 200
    assert codec.encoded({"country": "C9999"}) == {"go": 1, "d0": int(op == "in")}
    assert codec.encoded({"country": "C10000"}) == {"go": 1, "d0": int(op == "not_in")}


def test_the_work_grows_with_the_rules_and_no_faster() -> None:
    """A contract of a thousand rules is five of two hundred: as many times the sets, and as many times what is sent."""

    def work(count: int) -> tuple[int, int, int]:
        rows = [
            (f"r{n}", AllOf((Leaf("country", "in", ("US", "CA")), Leaf("quantity", "gte", (n,))))) for n in range(count)
        ]
        codecs = [SetCodec(each) for each in engine_sets(rows)]
        sent = sum(len(codec.encoded({"country": "US", "quantity": 5})) for codec in codecs)
        return len(codecs), sent, sum(len(str(codec.definition)) for codec in codecs)

    for many, few in zip(work(1000), work(200), strict=True):
        assert many <= 5 * few * 1.1


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
