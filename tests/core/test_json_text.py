"""Strict JSON: data or a refusal that says line and column, for any text there is."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.json_text import MAX_DEPTH, JsonFloat, MalformedJson, parse_json

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
leaves = texts | st.integers(-(10**19) + 1, 10**19 - 1) | st.booleans() | st.none()
data = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
_TOKENS = ["{", "}", "[", "]", ":", ",", '"a"', '"b"', "1", "-", "0.5", "1e9", "true", "null", "NaN", '"\\ud800"', " ", "\n", '"', "\\", "\ud800"]  # fmt: skip


def refusal(text: str | bytes) -> str:
    """Return the message with which a text is refused."""
    with pytest.raises(MalformedJson) as caught:
        parse_json(text)
    return str(caught.value)


@given(data, st.booleans(), st.sampled_from([None, 1]))
@settings(deadline=None, max_examples=200)
def test_what_json_writes_is_read_back(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert parse_json(text) == parse_json(text.encode()) == value


@given(data, st.data())
@settings(deadline=None, max_examples=150)
def test_a_mutated_text_is_data_or_refused_with_its_place(value: Any, draws: st.DataObject) -> None:
    text = json.dumps(value)
    for _ in range(draws.draw(st.integers(1, 3))):
        at = draws.draw(st.integers(0, len(text)))
        text = text[:at] + draws.draw(st.sampled_from(_TOKENS)) + text[at + draws.draw(st.integers(0, 3)) :]
    _is_data_or_refused(text)


@given(st.binary(max_size=40) | st.text(max_size=40) | st.lists(st.sampled_from(_TOKENS), max_size=12).map("".join))
@settings(deadline=None, max_examples=300)
def test_any_text_is_data_or_refused_with_its_place(text: str | bytes) -> None:
    _is_data_or_refused(text)


def _is_data_or_refused(text: str | bytes) -> None:
    try:
        value = parse_json(text)
    except MalformedJson as error:
        _check_place(str(error), text if isinstance(text, str) else text.decode(errors="replace"))
    else:
        json.dumps(value, ensure_ascii=False, default=str).encode()


def _check_place(message: str, text: str) -> None:
    found = re.match(r"line ([0-9]+) column ([0-9]+): .", message)
    assert found, message
    assert 1 <= int(found[2]) <= len(text.split("\n")[int(found[1]) - 1]) + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "line 1 column 10: the key 'a' stands twice"),
        ('{"x": [{"a": 1,\n  "b": {"a": 2},\n  "\\u0061": 3}]}', "line 3 column 3: the key 'a' stands twice"),
        ('[{"a": "a", "b": ["a", "a"]}, {"a": 1,\n"a": 1}]', "line 2 column 1: the key 'a' stands twice"),
        ('{"": 1, "": 2}', "line 1 column 9: the key '' stands twice"),
        ('{"%s": 1, "%s": 2}' % (("k" * 200,) * 2), "kkk… stands twice"),
        ("[NaN]", "line 1 column 2: NaN is not JSON"),
        ('{"a": "NaN",\n "b": Infinity}', "line 2 column 7: Infinity is not JSON"),
        ("NaN0}]", "line 1 column 1: NaN is not JSON"),
        ('{"a": 1, "a": 2}]]NaN', "line 1 column 10: the key 'a' stands twice"),
        ("[" + "1" * 20 + ".]", "line 1 column 2: a number of 20 digits"),
        ("-Infinity", "line 1 column 1: -Infinity is not JSON"),
        ("[1, 10000000000000000000]", "line 1 column 5: a number of 20 digits; numbers have at most 19"),
        ("-" + "9" * 20, "line 1 column 1: a number of 20 digits"),
        ("9" * 4301, "a number of 4301 digits"),
        ("9" * 1_000_000, "a number of 1000000 digits"),
        ('"\\ud800"', "line 1 column 2: half of a surrogate pair"),
        ('["\\\\", "\\ude00\\ud83d"]', "line 1 column 9: half of a surrogate pair"),
        ('["\\ud83d\\ud83d\\ude00"]', "line 1 column 3: half of a surrogate pair"),
        ('{"a":\n {"\\uDFFF": 1}}', "line 2 column 4: half of a surrogate pair"),
        ('"\ud800"', "line 1 column 2: half of a surrogate pair"),
        (b'"\xed\xa0\x80"', "line 1 column 2: byte 1 is not UTF-8"),
        (b'{"a":\n "\xff"}', "line 2 column 3: byte 8 is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "line 1 column 1: byte 0 is not UTF-8"),
        (b"\xef\xbb\xbf{}", "line 1 column 1: a byte order mark (BOM)"),
        ('"a\x01b"', "line 1 column 3: Invalid control character"),
        ('"a\nb"', "line 1 column 3: Invalid control character"),
        ('"a\tb"', "line 1 column 3: Invalid control character"),
        ('"\\x41"', "line 1 column 2: Invalid \\escape"),
        ('"\\u00"', "line 1 column 3: Invalid \\uXXXX escape"),
        ('{"a": 1} {"a": 2}', "line 1 column 10: Extra data"),
        ("[1, 2] x", "line 1 column 8: Extra data"),
        ("", "line 1 column 1: Expecting value"),
        ("\x00", "line 1 column 1: Expecting value"),
        ("[1,]", "line 1 column"),
        ("{'a': 1}", "line 1 column 2"),
        ("01", "line 1 column 2: Extra data"),
        ("+1", "line 1 column 1"),
        (".5", "line 1 column 1"),
        ("[1 // one\n]", "line 1 column 4"),
        ("١", "line 1 column 1"),
        ("[" * 100_000, f"line 1 column {MAX_DEPTH + 1}: nested too deeply"),
        ("[" * 100_000 + "]" * 100_000, f"line 1 column {MAX_DEPTH + 1}: nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"line 1 column {MAX_DEPTH + 1}: nested too deeply"),
        ("[\n" * 900 + '"\\u00e9"' + "]" * 900, f"line {MAX_DEPTH + 1} column 1: nested too deeply"),
    ],
    ids=lambda value: ascii(value[:24]),
)  # fmt: skip
def test_a_refusal_says_what_and_where(text: str | bytes, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" \t\r\n[ ] ", []),
        ('"\\ud83d\\ude00 \\uD83D\\uDE00"', "😀 😀"),
        (r'"\\ud800 \\\\ud800"', r"\ud800 \\ud800"),
        ('"\\u0000\\u001f"', "\x00\x1f"),
        ('"\x7f\u2028"', "\x7f\u2028"),
        ("-0", 0),
        ("9999999999999999999", 10**19 - 1),
        ("-9999999999999999999", 1 - 10**19),
        ('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}', {"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}),
        ('["{", "[", "\\"{\\"a\\":1"]', ["{", "[", '"{"a":1']),
    ],
)
def test_what_is_json_is_read(text: str, value: Any) -> None:
    assert parse_json(text) == value


def test_the_deepest_that_is_read() -> None:
    value = parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []


@pytest.mark.parametrize(
    "text", ["1.5", "-0.0", "1e3", "1E+400", "0.1000000000000000055511151231257827", "5e-324", "1.0"]
)
def test_a_float_is_kept_as_it_was_written(text: str) -> None:
    assert parse_json(f'{{"a": [{text}]}}') == {"a": [JsonFloat(text)]}
    assert str(JsonFloat(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        "{" + ",".join(f'"k{i}":{i}' for i in range(2_000)) + ',"k1999":0}',
        '{"a": "' + "x\\n" * 10_000 + '", "a": 1}',
        "[" * 100_000,
        "[" + '"\\u00e9",' * 3_000 + '"\\ud800"]',
        "9" * 100_000,
    ],
    ids=["short", "many keys", "long text", "deep", "many escapes", "digits"],
)
def test_refusing_is_quick(text: str) -> None:
    assert min(_seconds(lambda: refusal(text)) for _ in range(3)) < 0.05


def test_ten_megabytes_are_read_in_seconds_and_one_is_refused_in_two() -> None:
    member = '{"id":"order-1001","event_at":"1997-07-02T14:00:00Z","value":"12.50","name":"\\u00e9"},'
    text = "[" + member * (10_000_000 // len(member)) + member[:-1] + "]"
    assert _seconds(lambda: parse_json(text)) < 5
    assert _seconds(lambda: refusal("[" + member * 10_000 + '{"a":1,"a":1}]')) < 2


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
