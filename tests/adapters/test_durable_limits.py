"""How much durable holds when used as its manual shows, and that the product's rules stay within on both sides of it."""

from __future__ import annotations

import pytest

from app.adapters.durable_matcher import DurableMatcher
from app.adapters.durable_plan import MAX_BRANCHES, MAX_CHAINS, MAX_GROUPS, MAX_PROPERTIES, engine_sets
from app.engine.matcher import RuleConditions
from app.rulelang.ast import AllOf, AnyOf, Condition, Leaf
from tests.adapters.by_the_manual import by_the_manual, ended_by
from tests.builders.conditions import one_rule, rules


def found(conditions: RuleConditions, given: dict[str, object]) -> int:
    matcher = DurableMatcher()
    try:
        return len(matcher.matched(conditions, given))  # type: ignore[arg-type]
    finally:
        matcher.close()


def equal(count: int, at: int = 0) -> dict[str, Condition]:
    return {f"r{n}": Leaf(f"a{n}", "eq", (1,)) for n in range(at, at + count)}


@pytest.mark.parametrize(("count", "said"), [(64, "64"), (65, "error code: 303")])
def test_more_than_64_rules_that_are_true_together_are_an_error(count: int, said: str) -> None:
    script = f"n = range({count}); run({{f'r{{i}}': {{f'a{{i}}': 1}} for i in n}}, "
    printed = by_the_manual(script + "{'id': '1'} | {f'a{i}': 1 for i in n}); print(len(fired))")
    assert said in printed.split("\n")[-1] + printed.split("\n")[0]
    assert MAX_CHAINS + 1 < 64  # and the end rule
    assert found(rules(equal(count)), {f"a{n}": 1 for n in range(count)}) == count
    assert found(rules(equal(1000)), {f"a{n}": 1 for n in range(1000)}) == 1000


def test_many_anys_that_are_true_together_are_an_error() -> None:
    script = "n = range(40); run({f'r{i}': {'$or': [{f'a{i}': 1}, {f'b{i}': 1}]} for i in n}, "
    assert "error code: 303" in by_the_manual(script + "{'id': '1'} | {f'{x}{i}': 1 for x in 'ab' for i in n})")
    many = rules({f"r{n}": AnyOf((Leaf(f"a{n}", "missing", ()), Leaf(f"b{n}", "missing", ()))) for n in range(200)})
    assert found(many, {}) == 200


def test_about_512_conditions_side_by_side_are_never_compiled() -> None:
    siblings = "n = range(%d); run({f'r{i}': {f'a{i}': 1} for i in n}, {'a0': 1})"
    assert ended_by(siblings % 600, cpu_seconds=1) == "SIGXCPU"
    assert by_the_manual(siblings % MAX_BRANCHES) == "r0"
    assert found(rules(equal(600)), {"a0": 1}) == 1


@pytest.mark.parametrize("members", [8, 9, 600, 10_000])
def test_a_list_of_any_length_is_compiled_and_exact(members: int) -> None:
    conditions = one_rule(Leaf("hour", "in", tuple(range(members))))
    assert [found(conditions, {"hour": hour}) for hour in (-1, 0, members - 1, members)] == [0, 1, 1, 0]


@pytest.mark.parametrize(("groups", "said"), [(14, "r"), (15, "error code: 113")])
def test_fifteen_groups_in_one_rule_are_an_error(groups: int, said: str) -> None:
    script = f"run({{'r': {{'$and': [{{'$or': [{{f'b{{i}}': 1}}, {{f'c{{i}}': 1}}]}} for i in range({groups})]}}}}, "
    assert said in by_the_manual(f"tried(lambda: {script}{{'id': '1'}} | {{f'b{{i}}': 1 for i in range({groups})}}))")
    assert MAX_GROUPS < 14
    groups_of_two = [AnyOf((Leaf(f"b{n}", "eq", (1,)), Leaf(f"c{n}", "eq", (1,)))) for n in range(groups)]
    given: dict[str, object] = {f"b{n}": 1 for n in range(groups)}
    assert found(one_rule(AllOf(tuple(groups_of_two))), given) == 1
    assert found(one_rule(AllOf(tuple(groups_of_two))), given | {"b0": 2}) == 0


@pytest.mark.parametrize(("count", "said"), [(252, "r"), (253, "error code: 302")])
def test_more_than_252_properties_of_a_fact_are_an_error(count: int, said: str) -> None:
    # With its id and what the engine adds; here `id` is among them.
    script = f"run({{'r': {{'a0': 1}}}}, {{'id': '1'}} | {{f'a{{i}}': 1 for i in range({count})}})"
    assert said in by_the_manual(script)
    assert MAX_PROPERTIES + 4 < 252
    read = rules({f"r{n}": AllOf((Leaf(f"a{n}", "eq", (1,)), Leaf(f"b{n}", "exists", ()))) for n in range(count)})
    assert found(read, {f"{x}{n}": 1 for x in "ab" for n in range(count)}) == count


@pytest.mark.parametrize(
    ("rule_count", "leaves"), [(1, 50), (50, 1), (199, 50), (200, 50)], ids=lambda number: str(number)
)
def test_sets_of_the_largest_size_are_cut_and_decided(rule_count: int, leaves: int) -> None:
    whens = {f"r{n}": AllOf(tuple(Leaf(f"t{m}", "gte", (n + m,)) for m in range(leaves))) for n in range(rule_count)}
    assert all(len(each) <= MAX_CHAINS for each in engine_sets(rules(whens).rules))
    given: dict[str, object] = {f"t{m}": 9 + m for m in range(leaves)}
    assert found(rules(whens), given) == min(10, rule_count)
