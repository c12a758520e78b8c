"""Reading what a request carries: its JSON body and its query, strictly. Which fields they have is the schemas'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType

from app.core.errors import Finding
from app.core.json_text import MalformedJson, parse_json
from app.rulelang.diagnostics import described
from app.web.errors import BodyRefused, MalformedBody, QueryRefused
from app.web.schema import Strict, findings_of

JSON, NDJSON = "application/json", "application/x-ndjson"
# Nothing of this size takes longer than 50 ms to refuse, however it is made; tests/hostile sees to it. The largest rule
# bodies and conversions that make sense are half as large.
MAX_BODY = 128 * 2**10
MAX_NDJSON = 64 * 2**20


class OtherType(UnsupportedMediaType):
    """415, with the content types that are read here."""

    def __init__(self, types: Sequence[str]) -> None:
        super().__init__()
        self.types = types

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        return [*super().get_headers(*args, **kwargs), ("Accept", ", ".join(self.types))]


def read_body(schema: Schema, most: int = MAX_BODY) -> dict[str, Any]:
    """Return the request's JSON object as the schema loads it."""
    return load(schema, read_json(most=most))


def read_json(*types: str, most: int = MAX_BODY) -> Any:
    """Return the request's JSON, whatever it is; `types` are all content types that the address reads, and `most` is
    how many bytes of it."""
    if require_type(*(types or (JSON,))) != JSON:
        raise OtherType((JSON,))
    request.max_content_length = most
    return json_data(body_bytes())


def read_no_body() -> dict[str, Any]:
    """Refuse a body where none is expected; an empty object is as good as none."""
    return read_body(Strict()) if body_bytes() else {}


def read_query(schema: Schema) -> dict[str, Any]:
    """Return the query parameters as the schema loads them. None may be given twice: which one would count?"""
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        findings = [
            Finding("wrong_value", f"the parameter {described(name)} is given twice", f"/{name}") for name in twice
        ]
        raise QueryRefused(f"The query has a parameter twice: {described(twice[0])}.", findings)
    try:
        return dict(schema.load(request.args.to_dict()))
    except ValidationError as error:
        findings = findings_of(error)
        raise QueryRefused(_summary("query", findings), findings) from None


def require_type(*types: str) -> str:
    """Return the content type of the body, or refuse one that is not read here."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in types or charset != "utf-8" or request.content_encoding:
        raise OtherType(types)
    return request.mimetype


def body_bytes() -> bytes:
    """Return the request's body, whole: a chunked one that goes beyond the limit would end there in silence."""
    try:
        text = request.get_data()
        request.stream.read(1)  # at the limit this raises 413, at the end of the body it has nothing
    except HTTPException:
        raise
    except Exception as error:  # each server has its own for a broken chunk, or a connection that has gone
        raise BadRequest from error
    return text


def json_data(text: bytes, what: str = "body") -> Any:
    """Return the data of JSON text that can be stored: PostgreSQL has no NUL character."""
    if not text.strip():
        raise MalformedBody(f"The {what} is empty. Send a JSON object.")
    try:
        data = parse_json(text)
    except MalformedJson as error:
        raise MalformedBody(f"The {what} cannot be read as JSON: {error}.") from None
    if b"\\u0000" in text and _holds_nul(data):
        raise MalformedBody(f"The {what} cannot be used: a string holds the character NUL (\\u0000), which is no text.")
    return data


def load(schema: Schema, data: Any) -> dict[str, Any]:
    """Return data as the schema loads it, or refuse it with every finding."""
    try:
        return dict(schema.load(data))
    except ValidationError as error:
        findings = findings_of(error)
        raise BodyRefused(_summary("body", findings), findings) from None


def _summary(what: str, findings: list[Finding]) -> str:
    count, first = len(findings), findings[0]
    where = f"{first.pointer}: " if first.pointer else ""
    return f"The {what} has {count} error{'s' * (count > 1)}. {where}{first.message}."


def _holds_nul(data: Any) -> bool:
    waiting = [data]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, str) and "\x00" in part:
            return True
    return False
