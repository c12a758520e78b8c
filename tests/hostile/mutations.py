"""What is done to good input: parts of its data are replaced, its text is cut, doubled, spliced and spoiled."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.builders.bodies import places
from tests.hostile.values import any_value

WORDS = (
    "kind", "rules", "otherwise", "when", "then", "id", "all", "any", "not", "fact", "op", "value", "if_missing", "always", "flat", "percent", "of", "tiers", "steps",
    "up_to", "sum", "clamp", "min", "max", "limits", "bonuses", "hold", "reject", "any_item", "where", "facts", "event_at", "partner", "touches", "items", "", "é", "x" * 300,
)  # fmt: skip
NUMBERS = (
    b"-0", b"-0.0", b"1e999999999", b"-1e999999999", b"1e-999999999", b"1E+", b"01", b"1.", b".5", b"0x10", b"+1", b"1e5", b"12.50", b"NaN", b"-Infinity", b"Infinity",
    b"9" * 19, b"9" * 20, b"9" * 4_301, b"9" * 20_000, b"1" * 9_000 + b"." + b"1" * 9_000, b"0." + b"0" * 10_000 + b"1", b"1e" + b"9" * 1_000, b"--1", b"1e1.5", b"0" * 5_000,
)  # fmt: skip
STRINGS = (
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\x41"', b'"\\u12"', b'"\\', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"',
    b'"\x00"', b'"\x1f"', b'"a\nb"', b"'a'", b'"\xef\xbb\xbf"', b'"' + b"a" * 20_000 + b'"', b'"' + b"\\u00e9" * 3_000 + b'"', b'"' + b"\\\\" * 5_000 + b'"', b'"\\u0061"',
)  # fmt: skip
SPLICES = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"null", b"//", b"/*", b"#", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc2\xa0", b"\x0c", b"\n", b" " * 5_000, b"[" * 200, b"]" * 200,
    b'{"a":' * 200, b'"id":1,', b'"kind":"payout",', b'"facts":{},', b'"\\u006bind":1,', b"{}", b"[]",
)  # fmt: skip


def dumped(data: Any, random: Random) -> bytes:
    """Return data as JSON text, in one of the ways in which clients write it."""
    ascii_only, indent = random.random() < 0.5, random.choice((None,) * 9 + (1,))
    return json.dumps(data, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")


def restructured(data: Any, random: Random) -> Any:
    """Replace, rename, take out or double one to three parts."""
    for _ in range(random.randint(1, 3)):
        path = random.choice(places(data))
        if not path:
            continue
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        _changed(parent, path[-1], random)
    return data


def _changed(parent: Any, key: Any, random: Random) -> None:
    drawn = random.random()
    if drawn < 0.5:
        parent[key] = any_value(random)
    elif drawn < 0.65:
        del parent[key]
    elif drawn < 0.8 and isinstance(parent, dict):
        parent[random.choice(WORDS)] = parent.pop(key)
    elif drawn < 0.9:
        parent[key] = [parent[key]] * random.choice((1, 2, 2, 2, 2, 2, 2, 20))
    else:
        for _ in range(random.choice((1, 1, 3, 3, 7, 7, 7, 7, 130))):
            parent[key] = {random.choice(("not", "all", "clamp", "sum", "any_item", "value")): parent[key]}


def spoiled(text: bytes, random: Random) -> bytes:
    """Change one to four places of a text."""
    for _ in range(random.randint(1, 4)):
        text = random.choice(_SPOILERS)(text, random)
    return text


def _insert(text: bytes, random: Random) -> bytes:
    at = random.randint(0, len(text))
    return text[:at] + random.choice(random.choice((SPLICES, SPLICES, STRINGS, NUMBERS))) + text[at:]


def _delete(text: bytes, random: Random) -> bytes:
    at = random.randint(0, len(text))
    return text[:at] + text[at + random.randint(1, 8) :]


def _flip(text: bytes, random: Random) -> bytes:
    at = random.randint(0, len(text))
    return text[:at] + bytes([random.randrange(256)]) + text[at + 1 :]


def _double(text: bytes, random: Random) -> bytes:
    start = random.randint(0, len(text))
    part = text[start : start + random.randint(1, 60)]
    return text[:start] + part * random.choice((2, 2, 50)) + text[start + len(part) :]


def _cut(text: bytes, random: Random) -> bytes:
    return text[: random.randint(0, len(text))]


def _value(text: bytes, random: Random) -> bytes:
    """Put a hostile token in place of a value: behind a colon, where a value stands."""
    at = text.find(b":", random.randint(0, len(text))) + 1
    if at == 0:
        return text
    end = min((found for found in (text.find(mark, at) for mark in (b",", b"}")) if found >= 0), default=len(text))
    return text[:at] + random.choice(random.choice((NUMBERS, STRINGS))) + text[end:]


_SPOILERS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _insert,
    _insert,
    _delete,
    _flip,
    _double,
    _cut,
    _value,
    _value,
)
