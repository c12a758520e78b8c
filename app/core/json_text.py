"""Strict JSON: text to data without guessing. What the data means is decided by whoever asked for it."""

from __future__ import annotations

import json
import re
from array import array
from itertools import accumulate, count, islice
from typing import Any


class JsonFloat:
    """A number written with a point or an exponent. No field of ours accepts one; it is kept as it was written, so
    that the refusal can show it and say where it stands. A plain class: there may be a hundred thousand of them."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"JsonFloat({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonFloat) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class MalformedJson(ValueError):
    """The text is not JSON, or JSON that two readers could understand differently. The message says line and column."""


MAX_INTEGER_DIGITS = 19
# Deep enough for rules to be told that theirs are too deep, shallow enough for all that walks data (orjson: 254).
MAX_DEPTH = 128

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_KEY_OR_BRACKET = re.compile(rf"({_STRING.pattern})\s*+(:?)|([\[\]{{}}])", re.DOTALL)
_END = re.compile("}")
# A number is looked at from its first character on, and as far as it goes.
_ODD = re.compile(r"(?<![-+.0-9eE])-?([0-9]{20,})(?![0-9]|\.[0-9]|[eE][-+]?[0-9])|-?Infinity|NaN")
_MANY_DIGITS = re.compile(f"[0-9]{{{MAX_INTEGER_DIGITS + 1}}}")
# Every character as a step: down (1), up (-1, as a byte) or none, for walking through all of them in one go.
_STEPS = bytes({ord("["): 1, ord("{"): 1, ord("]"): 255, ord("}"): 255}.get(code, 0) for code in range(256))
# Up to here a key that stands twice is shown itself; beyond, where every token counts, the end of its object.
_SHORT = 65_536
# An escape, and whether it is half of a surrogate pair without the other half.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]|(?P<half>u[dD][89a-fA-F])|.)", re.DOTALL)
_RAW_HALF = re.compile("[\ud800-\udfff]")
_HALF = "half of a surrogate pair (\\ud800 to \\udfff), which is no character"


def parse_json(text: str | bytes) -> Any:
    """Read JSON text. Duplicate keys, NaN, lone surrogates and endless numbers are refused; floats become `JsonFloat`.

    Raises MalformedJson with line and column.
    """
    decoded = _decoded(text)
    # A hook for each of a hundred thousand integers takes longer than reading them: it is for texts that may need it.
    integer = _integer if _MANY_DIGITS.search(decoded) else int
    closed = count(1)

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result, number = dict(pairs), next(closed)
        if len(result) < len(pairs):
            raise _KeyTwice(_first_twice(pairs), number)
        return result

    try:
        data = json.loads(
            decoded, object_pairs_hook=object_of, parse_float=JsonFloat, parse_int=integer, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise _malformed(decoded, error.pos, error.msg) from None
    except _KeyTwice as twice:
        raise _malformed(decoded, *_key_twice(decoded, twice)) from None
    except _NoNumber:
        raise _malformed(decoded, *_first_odd(decoded)) from None
    except RecursionError:
        raise _malformed(decoded, *_first_too_deep(decoded)) from None
    if decoded.count("[") + decoded.count("{") > MAX_DEPTH and _is_deeper_than(data, MAX_DEPTH):
        raise _malformed(decoded, *_first_too_deep(decoded))
    if "\\u" in decoded and (half := _half_escape(decoded)) is not None:
        raise _malformed(decoded, half, _HALF)
    return data


class _KeyTwice(Exception):
    """Which key, and the how manieth object of the text it is in, counted by their ends."""

    def __init__(self, key: str, number: int) -> None:
        self.key, self.number = key, number


class _NoNumber(Exception):
    """NaN, an infinity, or too many digits. Where, `_first_odd` finds out: the hooks are not told."""


def _decoded(text: str | bytes) -> str:
    if isinstance(text, bytes):
        try:
            decoded = text.decode("utf-8")
        except UnicodeDecodeError as error:
            before = text[: error.start].decode("utf-8")
            raise _malformed(before, len(before), f"byte {error.start} is not UTF-8; JSON is UTF-8 text") from None
    else:
        decoded = text
        if not text.isascii() and (half := _RAW_HALF.search(text)):
            raise _malformed(text, half.start(), _HALF)
    if decoded.startswith("\ufeff"):
        raise _malformed(decoded, 0, "a byte order mark (BOM) stands before the text; save it as UTF-8 without one")
    return decoded


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS and len(text.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise _NoNumber
    return int(text)


def _constant(text: str) -> Any:
    raise _NoNumber


def _first_twice(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    return next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]


_CONTAINERS = frozenset({dict, list})


def _is_deeper_than(data: Any, most: int) -> bool:
    level = [data] if type(data) in _CONTAINERS else []
    for _ in range(most):
        if not level:
            return False
        level = [
            child
            for part in level
            for child in (part.values() if type(part) is dict else part)
            if type(child) in _CONTAINERS
        ]
    return bool(level)


def _half_escape(text: str) -> int | None:
    return next((match.start() for match in _ESCAPE.finditer(text) if match["half"]), None)


def _first_odd(text: str) -> tuple[int, str]:
    """Return where the first number stands that is none for us. Up to there it is JSON, and here it is as in the next two."""
    found = _ODD.search(_without_strings(text))
    assert found is not None
    if found[1] is None:
        return found.start(), f"{found[0]} is not JSON"
    return found.start(), f"a number of {len(found[1])} digits; numbers have at most {MAX_INTEGER_DIGITS}"


def _first_too_deep(text: str) -> tuple[int, str]:
    """Return where the first bracket stands that is one level too many."""
    steps = array("b", _without_strings(text).encode("latin-1", "replace").translate(_STEPS))
    return list(accumulate(steps)).index(MAX_DEPTH + 1), f"nested too deeply; {MAX_DEPTH} levels are read"


def _key_twice(text: str, twice: _KeyTwice) -> tuple[int, str]:
    """Return where a key stands for the second time, or in a long text where its object ends."""
    said = f"the key {_shortened(repr(twice.key))} stands twice in"
    if len(text) > _SHORT:
        return _nth(
            _END, _without_strings(text), twice.number - 1
        ), f"{said} the object that ends here; keep one of the two"
    return _second_key(text), f"{said} one object; keep one of the two"


def _second_key(text: str) -> int:
    open_keys: list[set[str] | None] = []  # of each open bracket: the keys so far, or None in a list
    for match in _KEY_OR_BRACKET.finditer(text):
        string, colon, bracket = match.groups()
        if bracket in ("[", "{"):
            open_keys.append(set() if bracket == "{" else None)
        elif bracket:
            del open_keys[-1:]
        elif colon and open_keys and (keys := open_keys[-1]) is not None:
            key = json.loads(string)
            if key in keys:
                return match.start()
            keys.add(key)
    raise AssertionError("no key stands twice")


def _without_strings(text: str) -> str:
    """Return the text with as many underscores in place of its strings, up to where it stops being JSON."""
    return _STRING.sub(lambda match: "_" * (match.end() - match.start()), text)


def _nth(pattern: re.Pattern[str], text: str, index: int) -> int:
    return next(islice(pattern.finditer(text), index, None)).start()


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def _malformed(text: str, at: int, what: str) -> MalformedJson:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return MalformedJson(f"line {line} column {column}: {what}")
