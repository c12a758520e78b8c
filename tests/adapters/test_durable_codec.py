"""What durable is sent: only names of ours, only whole numbers and text, and nothing that was not type-checked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest

from app.adapters.durable_codec import ENCODERS, SetCodec, kind_of
from app.adapters.durable_plan import MAX_PROPERTIES, engine_sets
from app.engine.matcher import EngineFault
from tests.builders.conditions import condition, facts, one_rule


def codec(when: Any) -> SetCodec:
    (chains,) = engine_sets(one_rule(condition(when)).rules)
    return SetCodec(chains)


def encoded(value: Any) -> str | int:
    return ENCODERS[kind_of(value)](value)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("US", "US"),
        ("", ""),
        (True, 1),
        (False, 0),
        (-3, -3),
        (2**62 - 1, 2**62 - 1),
        (Decimal("12.50"), 12_500_000),
        (Decimal("-0.000001"), -1),
        (Decimal("-0"), 0),
        (Decimal("1E+3"), 1_000_000_000),
        (Decimal("4611686018427.387903"), 2**62 - 1),
        (date(1, 1, 1), 1),
        (date(1970, 1, 1), 719_163),
        (timedelta(0), 0),
        (timedelta(days=1, microseconds=1), 86_400_000_001),
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(1970, 1, 1, 9, tzinfo=timezone(timedelta(hours=9))), 0),
    ],
)
def test_a_value_is_sent_as(value: Any, sent: str | int) -> None:
    assert encoded(value) == sent
    assert type(encoded(value)) is type(sent)


@pytest.mark.parametrize(
    "value",
    [
        2**62,
        timedelta(microseconds=2**62),
        ("a", "b"),
        -(2**62),
        Decimal("4611686018427.387904"),
        Decimal("0.0000001"),
        Decimal("1E+5000"),
        Decimal("1E-5000"),
        Decimal("NaN"),
        Decimal("Infinity"),
        datetime(2024, 1, 1),  # noqa: DTZ001
        "x" * 1025,
        1.5,
        None,
        ["US"],
    ],
)
def test_a_value_that_cannot_be_compared_exactly_is_a_fault(value: Any) -> None:
    with pytest.raises(EngineFault):
        encoded(value)


def test_only_facts_that_the_rules_read_are_sent() -> None:
    read = codec({"all": [["country", "eq", "US"], ["quantity", "gt", 1]]})
    assert read.encoded(facts({"country": "CA", "quantity": 2, "sku": "S"})) == {"go": 1, "f0": "CA", "f1": 2}
    assert read.encoded({}) == {"go": 1}


def test_presence_is_sent_only_where_the_rules_ask_for_it() -> None:
    asked = codec({"all": [["country", "eq", "US", "match"], ["quantity", "gt", 1], ["sku", "missing"]]})
    given = facts({"country": "CA", "quantity": 2, "sku": "S"})
    assert asked.encoded(given) == {"go": 1, "f0": "CA", "f1": 2, "p0": 1, "p1": 1}
    assert asked.encoded({}) == {"go": 1, "p0": 0, "p1": 0}


def test_a_long_list_is_sent_as_one_derived_boolean_and_its_fact_is_not_sent() -> None:
    long = codec(["hour", "in", list(range(9))])
    assert long.encoded(facts({"hour": 8})) == {"go": 1, "d0": 1}
    assert long.encoded(facts({"hour": 9})) == {"go": 1, "d0": 0}
    assert long.encoded({}) == {"go": 1, "d0": 0}


def test_a_rule_is_a_guarded_chain_and_the_end_rule_comes_last() -> None:
    when = {"all": [["country", "in", ["US", "CA"]], ["quantity", "not_in", [1, 2], "match"], ["hour", "lt", 5]]}
    none_of = {"$and": [{"$neq": {"f1": 1}}, {"$neq": {"f1": 2}}]}
    chain = [{"go": 1}, {"$or": [{"f0": "US"}, {"f0": "CA"}]}, {"$or": [none_of, {"p0": 0}]}, {"$lt": {"f2": 5}}]
    assert codec(when).definition == {
        "r0": {"all": [{"m": {"$and": chain}}]},
        "end": {"all": [{"m": {"$and": [{"go": 1}]}}], "pri": 1000},
    }


def test_a_fact_of_another_type_than_its_rules_is_a_fault() -> None:
    for wrong in ("5", True, 5, date(2024, 1, 1)):
        with pytest.raises(EngineFault, match="order_value is"):
            codec(["order_value", "eq", "5"]).encoded({"order_value": wrong})


def test_rules_that_compare_one_fact_by_two_types_are_a_fault() -> None:
    both = one_rule(condition({"all": [["quantity", "eq", 1], ["quantity", "eq", 2]]}))
    (chains,) = engine_sets(both.rules)
    first, second = chains[0].steps
    object.__setattr__(second, "expected", ("2",))
    with pytest.raises(EngineFault, match="integer and with text"):
        SetCodec(chains)
    assert first != second


def test_names_are_told_apart_by_the_hash_the_engine_knows_them_by() -> None:
    """The engine compares 32-bit FNV-1a hashes of names, never the names. `id`, `sid`, `$s` and `$forward` are its own."""
    ours = [f"{prefix}{n}" for prefix in "fpd" for n in range(MAX_PROPERTIES)]
    names = ["go", "id", "sid", "$s", "$forward", "exception", *ours]
    assert len({fnv(name) for name in names}) == len(names)
    assert fnv("id") == 926_444_256  # as in the engine's source


def fnv(name: str) -> int:
    value = 0x811C9DC5
    for byte in name.encode():
        value = (value ^ byte) * 16_777_619 % 2**32
    return value


def test_what_is_sent_is_plain_json() -> None:
    given = facts({"country": 'U"S\\', "order_value": "1.5", "is_trial": True, "signup_on": "2024-02-29"})
    tests = [["country", "exists"], ["order_value", "gt", "1"], ["is_trial", "eq", True], ["signup_on", "exists"]]
    sent = codec({"all": tests}).encoded(given)
    assert orjson.loads(orjson.dumps(sent)) == sent
