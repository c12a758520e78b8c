"""Strict JSON: text to data without guessing. What the data means is decided by whoever asked for it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class JsonFloat:
    """A number written with a point or an exponent. No field of ours accepts one; it is kept as it was written, so
    that the refusal can show it and say where it stands."""

    text: str

    def __str__(self) -> str:
        return self.text


class MalformedJson(ValueError):
    """The text is not JSON, or JSON that two readers could understand differently. The message says line and column."""


MAX_INTEGER_DIGITS = 19
# Deep enough for rules to be told that theirs are too deep, shallow enough for all that walks data (orjson: 254).
MAX_DEPTH = 128

# Strings whole, so that nothing inside one is taken for a bracket; numbers and words as far as json reads them.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|-?(?:[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|NaN|Infinity)|\S', re.DOTALL)
# An escape, and whether it is half of a surrogate pair without the other half.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]|(?P<half>u[dD][89a-fA-F])|.)", re.DOTALL)
_RAW_HALF = re.compile("[\ud800-\udfff]")
_HALF = "half of a surrogate pair (\\ud800 to \\udfff), which is no character"


def parse_json(text: str | bytes) -> Any:
    """Read JSON text. Duplicate keys, NaN, lone surrogates and endless numbers are refused; floats become `JsonFloat`.

    Raises MalformedJson with line and column.
    """
    decoded = _decoded(text)
    try:
        data = json.loads(
            decoded, object_pairs_hook=_object, parse_float=JsonFloat, parse_int=_integer, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise _malformed(decoded, error.pos, error.msg) from None
    except (_Refused, RecursionError):
        raise _malformed(decoded, *_first_refused(decoded)) from None
    if _is_deeper_than(data, MAX_DEPTH):
        raise _malformed(decoded, *_first_refused(decoded))
    if "\\u" in decoded and (half := _half_escape(decoded)) is not None:
        raise _malformed(decoded, half, _HALF)
    return data


class _Refused(Exception):
    """Correct JSON that is refused all the same. Where, `_first_refused` finds out: the hooks are not told."""


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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise _Refused
    return result


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS and len(text.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise _Refused
    return int(text)


def _constant(text: str) -> Any:
    raise _Refused


def _is_deeper_than(data: Any, most: int) -> bool:
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(most):
        if not level:
            return False
        level = [
            child
            for part in level
            for child in (part.values() if isinstance(part, dict) else part)
            if isinstance(child, dict | list)
        ]
    return bool(level)


def _half_escape(text: str) -> int | None:
    return next((match.start() for match in _ESCAPE.finditer(text) if match["half"]), None)


def _first_refused(text: str) -> tuple[int, str]:
    """Return where the first thing stands that `parse_json` does not take, and what it is. Up to there it is JSON."""
    open_keys: list[set[str] | None] = []  # of each open bracket: the keys so far, or None in a list
    before = ""
    for match in _TOKEN.finditer(text):
        token, at = match[0], match.start()
        if token in "{[":
            open_keys.append(set() if token == "{" else None)
            if len(open_keys) > MAX_DEPTH:
                return at, f"nested too deeply; {MAX_DEPTH} levels are read"
        elif token in "}]":
            del open_keys[-1:]
        elif token[0] == '"' and before in "{," and open_keys and (keys := open_keys[-1]) is not None:
            key = json.loads(token)
            if key in keys:
                return at, f"the key {_shortened(repr(key))} stands twice in one object; keep one of the two"
            keys.add(key)
        elif token in ("NaN", "Infinity", "-Infinity"):
            return at, f"{token} is not JSON"
        elif len(digits := token.removeprefix("-")) > MAX_INTEGER_DIGITS and digits.isdigit():
            return at, f"a number of {len(digits)} digits; numbers have at most {MAX_INTEGER_DIGITS}"
        before = token
    return len(text), "nested too deeply to be read"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def _malformed(text: str, at: int, what: str) -> MalformedJson:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return MalformedJson(f"line {line} column {column}: {what}")
