"""The base of all schemas: unknown fields are refused, and every defect becomes a finding with a JSON Pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, pre_load
from marshmallow.exceptions import SCHEMA

from app.core.errors import Finding, pointer_of
from app.rulelang.diagnostics import described, did_you_mean

# No object of ours has half as many fields; marshmallow's time grows with the square of the unknown ones.
MAX_FIELDS = 100
_UNKNOWN, _TYPE, _NULL, _REQUIRED = "is unknown", "is no object", "is null", "is missing"
_SAID = {
    "Missing data for required field.": _REQUIRED,
    "Field may not be null.": _NULL,
}


class Strict(Schema):
    """A schema of a body, a part of one, or a query."""

    class Meta:
        unknown = RAISE

    # Names of fields of which one is given, and one only: what takes the body refuses all else.
    one_of: tuple[str, ...] = ()

    error_messages = {"unknown": _UNKNOWN, "type": _TYPE}

    @pre_load
    def refuse_many_fields(self, data: Any, **kwargs: Any) -> Any:
        """Refuse an object as a whole that has far more fields than there are."""
        if isinstance(data, Mapping) and len(data) > MAX_FIELDS:
            known = ", ".join(field.data_key or name for name, field in self.load_fields.items())
            message = f"an object of {len(data):,} fields; there are few that can be used"
            raise ValidationError([Finding("unknown_field", message, "", f"known: {known}" if known else None)])
        return data

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Replace marshmallow's texts by findings, here, where the fields one may have meant are known."""
        known = [field.data_key or name for name, field in self.load_fields.items()]
        if isinstance(error.messages, dict):
            error.messages = {
                key: [_finding(said, key, data, known) for said in messages] if isinstance(messages, list) else messages
                for key, messages in error.messages.items()
            }


def findings_of(error: ValidationError) -> list[Finding]:
    """Return everything a schema refused, each with the pointer of where it stands."""
    return list(_walk(error.messages, ""))


def _walk(messages: Any, at: str) -> Iterator[Finding]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            yield from _walk(below, at if key == SCHEMA else at + pointer_of(key))
    else:
        for said in messages:
            yield said.at(at) if isinstance(said, Finding) else Finding("wrong_value", str(said), at)


def _finding(said: Any, key: Any, data: Any, known: list[str]) -> Finding:
    if isinstance(said, Finding):
        return said
    said = _SAID.get(said, said)
    if said == _UNKNOWN:
        return Finding("unknown_field", f"there is no field {described(key)}", "", did_you_mean(str(key), known))
    if said == _REQUIRED:
        return Finding("missing_field", f"the field {key!r} is needed")
    if said == _TYPE:
        return Finding("wrong_value", f"expected an object; found {described(data)}")
    if said == _NULL:
        return Finding("wrong_value", "null is no value here", "", "leave the field out when there is none")
    return Finding("wrong_value", str(said))
