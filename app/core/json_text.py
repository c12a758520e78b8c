"""Strict JSON: text to data without guessing. What the data means is decided by whoever asked for it."""

from __future__ import annotations

import json
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
    """The text is not JSON, or JSON that two readers could understand differently. The message says where."""


MAX_INTEGER_DIGITS = 19


def parse_json(text: str | bytes) -> Any:
    """Read JSON text. Duplicate keys, NaN, lone surrogates and endless numbers are refused; floats become `JsonFloat`.

    Raises MalformedJson with line and column, or with what stood there.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        data = json.loads(
            decoded,
            object_pairs_hook=_object,
            parse_float=JsonFloat,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except MalformedJson:
        raise
    except UnicodeDecodeError as error:
        raise MalformedJson(f"byte {error.start} is not UTF-8; JSON is UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"line {error.lineno} column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise MalformedJson("nested too deeply to be read") from None
    if "\\u" in decoded and not _is_encodable(data):
        raise MalformedJson("a string holds half of a surrogate pair (\\ud800 to \\udfff), which is no character")
    return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedJson(f"the key {twice!r} stands twice in one object; keep one of the two")
    return result


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS + 1:
        raise MalformedJson(f"a number of {len(text)} digits; numbers have at most {MAX_INTEGER_DIGITS}")
    return int(text)


def _constant(text: str) -> Any:
    raise MalformedJson(f"{text} is not JSON")


def _is_encodable(data: Any) -> bool:
    try:
        json.dumps(data, ensure_ascii=False, default=str).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
