"""The one byte form: the test vectors of RFC 8785, and the fast way held against the slow one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.canonical import canonical_bytes, content_hash, record_hash

LARGEST = 2**53 - 1
keys = st.text(st.characters(max_codepoint=127), max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
leaves = texts | st.integers(-LARGEST, LARGEST) | st.booleans() | st.none()
records = st.recursive(leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5))


# RFC 8785, section 3.2.2 without its floats (none of our records has one), and sections 3.2.3 and 3.2.4.
def test_the_sample_of_the_rfc() -> None:
    sample = r'{"string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    expected = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical_bytes(json.loads(sample)) == expected.encode()
    assert record_hash(json.loads(sample)) == hashlib.sha256(expected.encode()).hexdigest()


def test_the_sample_of_the_rfc_to_the_byte() -> None:
    data = {"numbers": [333333333, 4, 2], "string": '€$\x0f\nA\'B"\\\\"/', "literals": [None, True, False]}
    assert canonical_bytes(data).hex(" ") == (
        "7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72 "
        "73 22 3a 5b 33 33 33 33 33 33 33 33 33 2c 34 2c 32 5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30 "
        "30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d"
    )


def test_keys_are_sorted_by_utf_16_units() -> None:
    data = {
        "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\U0001f600": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis",
    }  # fmt: skip
    order = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]
    assert list(json.loads(canonical_bytes(data)).values()) == order


@pytest.mark.parametrize("code", [*range(0x20), 0x22, 0x5C, 0x7F, 0x80, 0x2028, 0x2029, 0xFEFF, 0xFFFF, 0x1F600])
def test_every_character_is_written_alike_the_fast_way(code: int) -> None:
    assert record_hash({"a": chr(code)}) == content_hash({"a": chr(code)})


@given(records)
@settings(deadline=None, max_examples=150)
def test_a_record_has_the_hash_of_its_canonical_form(record: Any) -> None:
    assert record_hash(record) == content_hash(record)
    assert json.loads(canonical_bytes(record)) == record


@given(st.dictionaries(keys, leaves, min_size=2, max_size=6), st.randoms())
@settings(deadline=None)
def test_the_order_of_keys_does_not_count(record: dict[str, Any], random: Any) -> None:
    shuffled = list(record.items())
    random.shuffle(shuffled)
    assert content_hash(dict(shuffled)) == content_hash(record)


@dataclass
class _Thing:
    a: int = 1


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), 2**63, datetime(1997, 7, 2, tzinfo=UTC), _Thing(), {"a"}, b"a", "\ud800", object()],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_record_is_a_fault_both_ways(value: Any) -> None:
    for hashed in (content_hash, record_hash):
        with pytest.raises((TypeError, ValueError)):
            hashed({"a": value})


def test_a_key_that_is_no_text_is_a_fault_both_ways() -> None:
    for hashed in (content_hash, record_hash):
        with pytest.raises((TypeError, ValueError)):
            hashed({1: "a"})
