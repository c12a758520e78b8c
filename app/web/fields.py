"""Fields: how ids, instants, dates, decimals and months stand in JSON. Each is read by the parsers of `app.core`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from app.core.errors import Finding
from app.core.instants import parse_date, parse_instant, write_instant
from app.core.json_text import JsonFloat
from app.core.money import canonical
from app.core.period import parse_month
from app.rulelang.diagnostics import Findings, described
from app.rulelang.reader import Reader

_CONTROL = re.compile("[\x00-\x1f\x7f]")


def refused(value: Any, expected: str, example: str) -> ValidationError:
    """Return the refusal of a value, with what was expected and an example."""
    if isinstance(value, JsonFloat):
        message = f"{value} is a number with a point or exponent, which computers store inexactly"
        return ValidationError([Finding("float_refused", message, "", f'write it as a string: "{value}"')])
    message = f"expected {expected}; found {described(value)}"
    return ValidationError([Finding("wrong_value", message, "", f"for example {example}")])


class Shaped(fields.Field[Any]):
    """A string of a certain shape. Subclasses say how it is read, written and described."""

    expected = "a string"
    example = "text"
    described_as: dict[str, Any] = {}

    def __init__(self, *, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        known = {"type": "string", "example": self.example, **self.described_as}
        super().__init__(metadata=known | (metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        found = self.read(value) if isinstance(value, str) else None
        if found is None:
            raise refused(value, self.expected, f'"{self.example}"')
        return found

    def read(self, text: str) -> Any:
        """Return the value of a text, or None when it has not the shape."""
        raise NotImplementedError


class Identifier(Shaped):
    """An id, chosen by the caller: one rule for ids everywhere, that of the rule language."""

    example = "acme"
    described_as = {"pattern": "^[A-Za-z0-9][A-Za-z0-9_.\\-]{0,63}$"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        findings = Findings()
        Reader(findings).identifier(value, "")
        if findings.all:
            raise ValidationError(findings.all)
        return value


class Text(Shaped):
    """A line of text for people."""

    expected = "a text of 1 to 200 characters without control characters"
    described_as = {"minLength": 1, "maxLength": 200, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}

    def read(self, text: str) -> str | None:
        return text if 1 <= len(text) <= 200 and not _CONTROL.search(text) else None


class Name(Shaped):
    """An id that others chose, such as that of a conversion: anything one can print."""

    expected = "1 to 128 printable characters"
    example = "order-1001"
    described_as = {"minLength": 1, "maxLength": 128, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$"}

    def read(self, text: str) -> str | None:
        return text if 1 <= len(text) <= 128 and text.isprintable() else None


class InstantField(Shaped):
    """A point in time, RFC 3339 with an offset. A naive time is refused: nobody knows when it is."""

    expected = "an RFC 3339 time with an offset"
    example = "1997-07-02T10:00:00-04:00"
    described_as = {"format": "date-time"}

    def read(self, text: str) -> datetime | None:
        return parse_instant(text)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else write_instant(value)


class LocalDateOrInstant(Shaped):
    """When terms start. It stays text: which instant a local date is depends on the contract's zone."""

    expected = "a date YYYY-MM-DD, or an RFC 3339 time with an offset"
    example = "1997-07-01"
    described_as = {"anyOf": [{"format": "date"}, {"format": "date-time"}]}

    def read(self, text: str) -> str | None:
        return text if parse_date(text) or parse_instant(text) else None


class LocalDate(Shaped):
    """A day. It stays text: which instants it has depends on the contract's zone."""

    expected = "a date YYYY-MM-DD"
    example = "1998-07-01"
    described_as = {"format": "date"}

    def read(self, text: str) -> str | None:
        return text if parse_date(text) else None


class Reason(Shaped):
    """Why something is done, in a sentence; it stands in the audit trail."""

    expected = "a sentence of 1 to 500 characters without control characters"
    example = "Agreed in the summer review."
    described_as = {"minLength": 1, "maxLength": 500, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}

    def read(self, text: str) -> str | None:
        return text if 1 <= len(text) <= 500 and not _CONTROL.search(text) else None


class MonthPeriod(Shaped):
    """A billing period. It stays text: which instants it spans depends on the contract's zone."""

    expected = "a month YYYY-MM"
    example = "1997-07"
    described_as = {"pattern": "^(?!000[01]|9999)[0-9]{4}-(0[1-9]|1[0-2])$"}

    def read(self, text: str) -> str | None:
        return text if parse_month(text) else None


class DecimalString(Shaped):
    """Money or a rate: digits with an optional point, as a string, because JSON numbers are floats to most readers."""

    example = "12.50"
    described_as = {"pattern": "^-?[0-9]{1,18}(\\.[0-9]{1,9})?$"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        findings = Findings()
        found = Reader(findings).decimal(value, "", what=attr or "the amount")
        if found is None:
            raise ValidationError(findings.all)
        return found

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return canonical(value) if isinstance(value, Decimal) else value


class Word(Shaped):
    """One of a few words."""

    def __init__(self, words: Sequence[str], **kwargs: Any) -> None:
        self.words = tuple(words)
        self.example = self.words[0]
        self.described_as = {"enum": [*words, None] if kwargs.get("allow_none") else list(words)}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        findings = Findings()
        Reader(findings).word(value, "", self.words)
        if findings.all:
            raise ValidationError(findings.all)
        return value


class Whole(fields.Integer):
    """A whole number, in JSON as a number and in a query as digits. True is not 1, and 2.0 is not 2."""

    def __init__(self, least: int, most: int, *, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(metadata={"minimum": least, "maximum": most} | (metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value, re.ASCII):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise refused(value, f"a whole number from {self.least} to {self.most}", str(self.least))
        return value


class Flag(fields.Boolean):
    """True or false, and nothing that looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise refused(value, "true or false", "true")
        return value


class Object(fields.Raw):
    """A JSON object, read by a lower floor, such as a rule body by the rule language."""

    def __init__(self, *, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "object"} | (metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise refused(value, "an object", "{}")
        return value
