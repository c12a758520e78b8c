"""The nearest miss: what it names is enough, and nothing shorter would be."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from random import Random
from typing import Any

import pytest

from app.engine.matcher import Facts
from app.engine.misses import misses_text, nearest_miss
from app.engine.reference import is_true
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Leaf, Not, Value
from tests.builders.conditions import condition, facts
from tests.builders.random_rules import POOLS, random_condition, random_facts, random_leaf

BOTH = [["country", "eq", "US"], ["order_value", "gte", "200"]]


@pytest.mark.parametrize(
    ("short", "given", "said"),
    [
        (["order_value", "gte", "200"], {"order_value": "199.99"}, "order_value ≥ 200.00; was 199.99"),
        (["coupon_code", "exists"], {}, "coupon_code is there; was absent"),
        ({"not": ["coupon_code", "exists"]}, {"coupon_code": "A"}, "coupon_code is missing; was A"),
        ({"all": BOTH}, {"order_value": "1"}, "country = US; was absent; and order_value ≥ 200.00; was 1.00"),
        ({"any": [{"all": BOTH}, ["hour", "eq", 3]]}, {"order_value": "1"}, "hour = 3; was absent"),
        # As many each: the nearest by value, whatever stands first.
        ({"any": BOTH}, {"country": "CA", "order_value": "199.99"}, "order_value ≥ 200.00; was 199.99"),
        ({"any": [["hour", "lt", 9], ["hour", "gt", 17]]}, {"hour": 16}, "hour > 17; was 16"),
        ({"any": [["country", "eq", "US"], ["region", "eq", "X"]]}, {}, "country = US; was absent"),
        (
            {"any": [["signup_on", "lt", "1997-01-01"], ["session_length", "lt", "PT1H"]]},
            {"signup_on": "1997-01-02", "session_length": "PT90M"},
            "signup_on < 1997-01-01; was 1997-01-02",
        ),
        ({"not": {"any": BOTH}}, {"country": "US", "order_value": "200"}, "country ≠ US; was US; and order_value < 200.00; was 200.00"),
        ({"not": {"all": BOTH}}, {"country": "US", "order_value": "300"}, "order_value < 200.00; was 300.00"),
        ({"not": ["hour", "between", [9, 17]]}, {"hour": 9}, "hour not between 9 and 17; was 9"),
        (["tax", "lt", {"fact": "shipping"}], {"tax": "5", "shipping": "4.9"}, "tax < fact shipping (4.90); was 5.00"),
        (
            {"every_item": "items", "where": ["quantity", "gt", 1]},
            {"items": [{"sku": "a", "quantity": 1, "price": "1"}, {"sku": "b", "quantity": 2, "price": "1"}]},
            "item 1 of items: quantity > 1; was 1",
        ),
        (
            {"not": {"every_item": "items", "where": ["quantity", "gt", 1], "if_missing": "match"}},
            {"items": []},
            "items not (has every item with (quantity is above 1) (or it is missing)); was empty",
        ),
        (
            {"any_item": "items", "where": {"not": {"always": True}}},
            {"items": [{"sku": "a", "quantity": 1, "price": "1"}]},
            "items has any item with (not (always)); was 1 item",
        ),
    ],
)  # fmt: skip
def test_a_nearest_miss(short: Any, given: Any, said: str) -> None:
    misses = nearest_miss(condition(short), facts(given))
    assert misses is not None
    assert misses_text(misses) == said


@pytest.mark.parametrize(
    "short",
    [
        {"not": {"always": True}},
        {"all": [["hour", "eq", 3], {"not": {"always": True}}]},
        {"not": {"any": [["hour", "eq", 3], {"always": True}]}},
        {"not": ["country", "exists", None, "match"]},
    ],
)
def test_what_can_never_be_has_none(short: Any) -> None:
    assert nearest_miss(condition(short), facts({"hour": 3})) is None


def test_what_is_true_has_no_misses() -> None:
    assert nearest_miss(condition(["hour", "eq", 3]), facts({"hour": 3})) == ()


def numbered(when: Condition, count: list[int]) -> Condition:
    """Return a condition whose comparisons are told apart by their pointers."""
    match when:
        case Leaf():
            count[0] += 1
            return replace(when, pointer=str(count[0]))
        case AllOf(parts) | AnyOf(parts):
            return type(when)(tuple(numbered(part, count) for part in parts))
        case Not(part):
            return Not(numbered(part, count))
    return when


def leaves(when: Condition) -> list[Leaf]:
    match when:
        case Leaf():
            return [when]
        case AllOf(parts) | AnyOf(parts):
            return [leaf for part in parts for leaf in leaves(part)]
        case Not(part):
            return leaves(part)
    return []


def turned(when: Condition, given: Facts, flipped: frozenset[str]) -> bool:
    """Tell what a condition would say if the comparisons with these pointers turned out otherwise."""
    match when:
        case Leaf():
            return is_true(when, given) is not (when.pointer in flipped)
        case AllOf(parts):
            return all(turned(part, given, flipped) for part in parts)
        case AnyOf(parts):
            return any(turned(part, given, flipped) for part in parts)
        case Not(part):
            return not turned(part, given, flipped)
    return True


def without_items(random: Random) -> Condition:
    """Return a condition of at most ten comparisons of facts, all of which can turn out either way."""
    while True:
        when = numbered(random_condition(random), [0])
        every = leaves(when)
        fixed = any(leaf.op == "exists" and leaf.matches_missing for leaf in every)
        if 0 < len(every) <= 10 and not fixed and "Items(" not in repr(when):
            return when


def test_the_misses_turned_round_are_enough_and_no_fewer_are() -> None:
    random, found = Random(3), 0
    for _ in range(2500):
        when, given = without_items(random), random_facts(random)
        misses = nearest_miss(when, given)
        pointers = [leaf.pointer for leaf in leaves(when)]
        if misses is None:
            assert not any(
                turned(when, given, frozenset(some))
                for size in range(len(pointers) + 1)
                for some in combinations(pointers, size)
            )
            continue
        assert turned(when, given, frozenset(miss.on.pointer for miss in misses))
        assert not any(
            turned(when, given, frozenset(some)) for size in range(len(misses)) for some in combinations(pointers, size)
        )
        found += len(misses) > 1
    assert found > 100


NAMES = ("country", "value", "quantity", "trial", "day", "visit")


def one_leaf_a_fact(random: Random) -> Condition:
    """Return a condition on six facts, each compared once with a value, and either way with some value of its pool."""
    parts: list[Condition] = []
    while len(parts) < len(NAMES):
        leaf = random_leaf(random, {NAMES[len(parts)]: POOLS[NAMES[len(parts)]]})
        verdicts = {is_true(leaf, with_value({}, leaf.fact, value)) for value in (None, *POOLS[leaf.fact].values)}
        if len(verdicts) == 2:
            parts.append(leaf)
    random.shuffle(parts)
    while len(parts) > 1:
        count = random.randint(2, min(3, len(parts)))
        group = random.choice([AllOf, AnyOf])(tuple(parts[:count]))
        parts = [*parts[count:], random.choice([group, Not(group), AnyOf((group, Not(Always())))])]
    return parts[0]


def with_value(given: Facts, fact: str, value: Value | None) -> Facts:
    rest = {name: held for name, held in given.items() if name != fact}
    return rest if value is None else {**rest, fact: value}


def can_be_had(when: Condition, given: Facts, names: tuple[str, ...]) -> bool:
    """Tell whether other values of these facts make a condition true."""
    for values in product(*((None, *POOLS[name].values) for name in names)):
        changed = given
        for name, value in zip(names, values, strict=True):
            changed = with_value(changed, name, value)
        if is_true(when, changed):
            return True
    return False


def test_values_that_are_as_the_misses_say_make_the_condition_true_and_fewer_do_not() -> None:
    random, sizes = Random(5), set()
    for _ in range(300):
        when, given = one_leaf_a_fact(random), random_facts(random)
        misses = nearest_miss(when, given)
        assert misses is not None
        named = tuple(miss.on.fact for miss in misses)
        sizes.add(len(named))
        assert can_be_had(when, given, named)
        for fewer in combinations(NAMES, len(named) - 1) if named else ():
            assert not can_be_had(when, given, fewer)
    assert {0, 1, 2} <= sizes
