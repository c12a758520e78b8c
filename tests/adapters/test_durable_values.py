"""What durable makes of values when used as its manual shows, and that the product sends it none of these."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from app.adapters.durable_matcher import DurableMatcher
from app.core.errors import Finding
from app.engine.matcher import EngineFault
from app.rulelang.facts import Fact, typed_scalar
from app.rulelang.operators import OPERATORS
from tests.adapters.by_the_manual import by_the_manual, matches
from tests.builders.conditions import condition, one_rule


def fault(when: Any, given: dict[str, Any]) -> str:
    with pytest.raises(EngineFault) as caught:
        DurableMatcher().matched(one_rule(condition(when)), given)
    return caught.value.message


@pytest.mark.parametrize(
    ("rule", "value", "when"),
    [
        ("{'n': '5'}", "5", ["country", "eq", "5"]),
        ("{'n': 1}", "True", ["quantity", "eq", 1]),
        ("{'n': True}", "1", ["is_trial", "eq", True]),
        ("{'$gte': {'n': 100}}", "'99'", ["quantity", "gte", 100]),
        ("{'$gt': {'n': 0}}", "'abc'", ["quantity", "gt", 0]),
    ],
)
def test_values_of_two_types_compare_as_if_they_were_of_one(rule: str, value: str, when: Any) -> None:
    """A rule about 5 and a fact "5" are equal in some processes and not in others, so no test can count on it; the rest
    is so in nearly every process, and several are asked."""
    script = f"run({{'r': {rule}}}, {{'id': '1', 'n': {value}}})"
    assert any(by_the_manual(script) == "r" for _ in range(15))
    assert "its rules compare it with" in fault(when, {when[0]: eval(value)})


@pytest.mark.parametrize("value", ["1e-05", "1e16", "float('inf')", "-float('inf')"])
def test_floats_cannot_be_read(value: str) -> None:
    assert "error Could not assert fact" in by_the_manual(f"run({{'r': {{'$ex': {{'n': 1}}}}}}, {{'n': {value}}})")
    assert "takes no float" in fault(["order_value", "gt", "0"], {"order_value": eval(value)})


def test_nan_is_taken_for_something_that_is_there() -> None:
    assert by_the_manual("run({'r': {'$ex': {'n': 1}}}, {'id': '1', 'n': float('nan')})") == "r"
    assert "takes no float" in fault(["order_value", "gt", "0"], {"order_value": float("nan")})
    assert "beyond" in fault(["order_value", "gt", "0"], {"order_value": Decimal("NaN")})


def test_a_decimal_cannot_be_passed() -> None:
    script = "from decimal import Decimal; run({'r': {'n': 1}}, {'id': '1', 'n': Decimal(1)})"
    assert by_the_manual(script) == "TypeError Object of type Decimal is not JSON serializable"
    assert matches(["order_value", "gte", "100"], {"order_value": "100.000000"})
    assert not matches(["order_value", "gte", "100"], {"order_value": "99.999999"})
    assert matches(["order_value", "lt", "0.00002"], {"order_value": "0.00001"})


def test_an_integer_beyond_64_bits_becomes_the_largest() -> None:
    assert by_the_manual("run({'r': {'n': 2**63 - 1}}, {'id': '1', 'n': 2**63 + 5})") == "r"
    assert "beyond" in fault(["quantity", "eq", str(2**62 - 1)], {"quantity": 2**63 + 5})


def test_text_is_put_in_the_wrong_order() -> None:
    assert by_the_manual("run({'r': {'$lt': {'n': 'a b'}}, 'z': {'n': 'a'}}, {'id': '1', 'n': 'a'})") == "z"
    assert "a" < "a b"
    ordering = [op for op in ("lt", "lte", "gt", "gte", "between") if OPERATORS[op].types & {"text", "enum"}]
    assert ordering == []


@pytest.mark.parametrize("length", [1, 10])
def test_text_is_equal_to_one_that_is_65536_characters_longer(length: int) -> None:
    script = f"run({{'r': {{'n': 'x' * {length}}}}}, {{'id': '1', 'n': 'x' * {length} + 'y' * 65536}})"
    assert by_the_manual(script) == "r"
    longer = "x" * length + "y" * 65536
    assert "at most 1024" in fault(["country", "eq", "x" * length], {"country": longer})
    assert isinstance(typed_scalar(Fact("country", "text", "where"), longer), Finding)


def test_nothing_is_said_of_what_is_null() -> None:
    handled = "run({'r': {'$neq': {'coupon': 'A'}}}, {'id': '1', 'coupon': None})"
    assert by_the_manual(handled).startswith("MessageNotHandledException")
    assert matches(["coupon_code", "neq", "A", "match"], {"coupon_code": None})
    assert not matches(["coupon_code", "neq", "A", "no_match"], {"coupon_code": None})


def test_what_is_null_is_there_and_what_is_absent_is_unequal_to_nothing() -> None:
    is_there = (
        "run({'there': {'$and': [{'b': 1}, {'$ex': {'a': 1}}]}, 'not': {'$and': [{'b': 1}, {'$nex': {'a': 1}}]}}, "
    )
    assert by_the_manual(is_there + "{'id': '1', 'a': None, 'b': 1})") == "there"
    assert by_the_manual("run({'r': {'$neq': {'a': 'A'}}, 'z': {'b': 1}}, {'id': '1', 'b': 1})") == "z"
    assert matches(["coupon_code", "missing"], {"coupon_code": None})
    assert not matches(["coupon_code", "exists"], {"coupon_code": None})
    assert matches(["coupon_code", "neq", "A", "match"], {})
    assert not matches(["coupon_code", "neq", "A", "no_match"], {})


def test_all_items_of_an_empty_list_is_false() -> None:
    script = "run({'r': {'$iall': {'a': {'$gt': {'$i': 5}}}}, 'z': {'b': 1}}, {'id': '1', 'b': 1, 'a': %s})"
    assert by_the_manual(script % "[6, 7]") == "r z"
    assert by_the_manual(script % "[]") == "z"
    assert matches({"every_item": "items", "where": ["quantity", "gt", 5], "if_missing": "no_match"}, {"items": []})


LISTS_OF_OBJECTS = """
from itertools import product
kinds = [{'x': x, 'y': y} for x in (0, 1) for y in (0, 1)]
wrong = 0
for quantifier, said in (('$iany', any), ('$iall', all)):
    for items in (items for count in range(3) for items in product(kinds, repeat=count)):
        fired.clear()
        rule = {quantifier: {'a': {'$or': [{'$i.x': 1}, {'$i.y': 1}]}}}
        host = hosting({'r': rule, 'z': {'id': '1'}})
        host.assert_fact('x', {'id': '1', 'a': list(items)})
        wrong += ('r' in fired) != said(i['x'] == 1 or i['y'] == 1 for i in items)
print(wrong)
"""


def test_an_or_about_the_objects_of_a_list_is_wrong_in_many_cases() -> None:
    """It was 140 of 486 with three values a field; it is 11 of these 42 with two."""
    assert 5 < int(by_the_manual(LISTS_OF_OBJECTS.replace("'z': {'id': '1'}", "'z': {'$ex': {'a': 1}}"))) < 42
    kinds = [{"sku": "S", "quantity": x, "price": str(y)} for x in (0, 1) for y in (0, 1)]
    where = {"any": [["quantity", "eq", 1], ["price", "eq", "1"]]}
    for items in (items for count in range(3) for items in product(kinds, repeat=count)):
        true = [(item["quantity"], item["price"]) != (0, "0") for item in items]
        for quantifier, said in (("any_item", any), ("every_item", all)):
            when = {quantifier: "items", "where": where, "if_missing": "no_match"}
            assert matches(when, {"items": list(items)}) is said(true)
