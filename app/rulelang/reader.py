"""Reading of untyped JSON with every defect noted where it stands: objects, words, ids, decimals. Knows no rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from app.core.errors import pointer_of
from app.core.json_text import JsonFloat
from app.core.money import canonical, parse_decimal
from app.rulelang.diagnostics import Findings, described, did_you_mean, string_hint

T = TypeVar("T")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}", re.ASCII)
CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


def _example(near: str, shape: re.Pattern[str]) -> str | None:
    """Return a hint with what was probably meant, where that has the shape that is wanted."""
    return f"for example {near!r}" if shape.fullmatch(near) else None


class Reader:
    """Reads parts of one document and notes what is wrong. A part that cannot be read is None."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        # Whether what is read is paid for one item of a list, and not for the conversion.
        self.is_in_item = False
        # How many formulas per item the formula has that is read.
        self.per_items = 0

    def object(
        self, data: Any, at: str, required: Sequence[str], optional: Sequence[str] = (), what: str = "an object"
    ) -> dict[str, Any] | None:
        """Return an object that has all required keys and no unknown one; what is off is noted key by key."""
        if not isinstance(data, dict):
            self.findings.add("wrong_type", at, f"expected {what}, found {described(data)}")
            return None
        known = (*required, *optional)
        for key in data:
            if key not in known:
                hint = did_you_mean(str(key), known)
                self.findings.add("unknown_key", at + pointer_of(key), f"unknown key {described(key)}", hint)
        missing = [key for key in required if key not in data]
        for key in missing:
            self.findings.add("missing_key", at, f"{what} needs the key {key!r}")
        return None if missing else data

    def items(self, data: Any, at: str, read: Callable[[Any, str], T | None], *, most: int, code: str) -> list[T]:
        """Read a list, member by member, with at most `most` of them."""
        if not isinstance(data, list):
            hint = (
                f"in a list: [{json.dumps(data, ensure_ascii=False)}]"
                if isinstance(data, str) and len(data) < 60
                else None
            )
            self.findings.add("wrong_type", at, f"expected a list, found {described(data)}", hint)
            return []
        if len(data) > most:
            self.findings.add(code, at, f"{len(data)} members; at most {most:,} are allowed")
            return []
        found = (read(member, at + pointer_of(index)) for index, member in enumerate(data))
        return [member for member in found if member is not None]

    def word(self, data: Any, at: str, allowed: Sequence[str]) -> Any:
        """Return one of a few allowed words."""
        if isinstance(data, str) and data in allowed:
            return data
        hint = did_you_mean(data, allowed) if isinstance(data, str) else f"one of: {', '.join(allowed)}"
        self.findings.add("unknown_choice", at, f"expected one of {', '.join(allowed)}; found {described(data)}", hint)
        return None

    def identifier(self, data: Any, at: str) -> str | None:
        """Return an id: letters, digits, `_`, `.` and `-`, at most 64, starting with a letter or digit."""
        if isinstance(data, str) and IDENTIFIER.fullmatch(data):
            return data
        self.findings.add(
            "bad_identifier",
            at,
            "an id has letters, digits, _ . -, starts with a letter or digit, and has at most 64 characters; "
            f"found {described(data)}",
            _example(
                re.sub(r"[^A-Za-z0-9_.\-]+", "_", data[:64]).lstrip("_.-") if isinstance(data, str) else "", IDENTIFIER
            ),
        )
        return None

    def code(self, data: Any, at: str) -> str | None:
        """Return a reason code: capitals, digits and `_`."""
        if isinstance(data, str) and CODE.fullmatch(data):
            return data
        near = re.sub("[^A-Z0-9]+", "_", data[:64].upper()).strip("_") if isinstance(data, str) else ""
        message = f"a code has capitals, digits and _, starts with a capital, at most 64; found {described(data)}"
        self.findings.add("bad_identifier", at, message, _example(near, CODE))
        return None

    def decimal(self, data: Any, at: str, *, what: str, least: Decimal | None = None) -> Decimal | None:
        """Return money or a rate, which is a string; `what` names it in the message."""
        if isinstance(data, JsonFloat | float):
            self.findings.add(
                "float_refused",
                at,
                f"{what} is {described(data)}, a number with a point or exponent, which computers store inexactly",
                string_hint(data),
            )
            return None
        if not isinstance(data, str):
            hint = f'write it as a string: "{data}"' if isinstance(data, int) and not isinstance(data, bool) else None
            self.findings.add("wrong_type", at, f"{what} is a string of digits; found {described(data)}", hint)
            return None
        value = parse_decimal(data)
        if value is None:
            self.findings.add(
                "bad_decimal",
                at,
                f"{what} is digits with an optional point, at most 18 before and 9 after it; found {described(data)}",
                'for example "12.50"',
            )
        elif least is not None and value < least:
            self.findings.add("bad_decimal", at, f"{what} is {canonical(least)} or more; found {value}")
            return None
        return value

    def must_explain(self, *parts: Any) -> None:
        """Fault if one of the parts was not read (is None) and no finding says why.

        Where something stands in for it, so that the rest can be checked, that would be taken for what was written.
        """
        if None in parts and not self.findings.errors:
            raise AssertionError("a part was not read, and nothing says why")

    def flag(self, data: Any, at: str) -> bool:
        """Return true or false."""
        if not isinstance(data, bool):
            self.findings.add("wrong_type", at, f"expected true or false, found {described(data)}")
        return data is True
