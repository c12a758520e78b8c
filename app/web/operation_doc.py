"""The OpenAPI part of one operation, written from what its route declares: nothing is documented twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from marshmallow import Schema

from app.core.as_of import InstantRefused
from app.core.errors import AppError
from app.web.body import JSON, NDJSON
from app.web.catalogue import title_of
from app.web.etag import Guard
from app.web.header_doc import (
    HEADERS_OF_STATUS,
    IDEMPOTENCY_KEYS,
    IF_MATCHES,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    headers_named,
)
from app.web.idempotency import Once
from app.web.problem import CONTENT_TYPE, STATUSES

# What any operation may answer besides its own refusals; the codes are those of `catalogue.py`.
EVERYWHERE = (
    (401, "key_missing"),
    (401, "key_unknown"),
    (401, "key_expired"),
    (401, "key_revoked"),
    (403, "role_not_allowed"),
    (403, "scope_not_allowed"),
    (422, "query_refused"),
    (429, "too_many_requests"),
)
EVERYWHERE_TOO = ((500, "fault"), (503, "database_unreachable"), (503, "try_again"))
ON_WRITES = (
    (400, "malformed_json"),
    (409, "changed_meanwhile"),
    (413, "body_too_large"),
    (415, "unsupported_media_type"),
    (422, "body_refused"),
)
ON_KEYED = (
    (400, "idempotency_key_malformed"),
    (409, "idempotency_in_progress"),
    (422, "idempotency_key_reused"),
)
ON_GUARDED = ((400, "if_match_malformed"), (412, "revision_mismatch"))
LINES = {NDJSON: {"schema": {"type": "string", "description": "One JSON object a line."}}}


@dataclass(frozen=True, init=False)
class Leads:
    """Where an answer leads to: operations, and what of the answer or the request is which of their ids.

    `Leads("show_version", "submit", contract="/contract", number="/number")` takes both ids from the answer's body;
    `contract="path.contract"` takes one from the request's address, `contract="body.contract"` from its body.
    """

    operations: tuple[str, ...]
    ids: Mapping[str, str]

    def __init__(self, *operations: str, **ids: str) -> None:
        object.__setattr__(self, "operations", operations)
        object.__setattr__(self, "ids", ids)

    def as_links(self) -> dict[str, Any]:
        """Return the links of an OpenAPI response."""
        ids = {name: _expression(source) for name, source in self.ids.items()}
        return {name: {"operationId": name, "parameters": ids} for name in self.operations}


@dataclass(frozen=True)
class OperationDoc:
    """What a route declares of itself."""

    needs: str
    refuses: Sequence[type[AppError]] = ()
    body: type[Schema] | None = None
    query: type[Schema] | None = None
    answers: Mapping[int, Any] = field(default_factory=dict)
    is_write: bool = False
    is_page: bool = False
    is_ndjson: bool = False
    is_body_required: bool = True
    is_tagged: bool = False
    has_location: bool = False
    once: Once = "needless"
    guard: Guard = "none"
    leads_to: Leads | None = None
    example: Any = None
    # What is sent instead of JSON: its content type, and the schema of that.
    sends: Mapping[str, Any] | None = None

    @property
    def types(self) -> tuple[str, ...]:
        """The content types that are read."""
        return (JSON, NDJSON) if self.is_ndjson else (JSON,)

    def of(self, view: Callable[..., Any]) -> dict[str, Any]:
        """Return the operation of a view. Its docstring is summary and description."""
        summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
        operation: dict[str, Any] = {
            "operationId": view.__name__,
            "summary": " ".join(summary.split()).rstrip("."),
            "description": description,
            "x-permission": self.needs,
            "security": [{"apiKey": []}],
            "responses": {**self._successes(), **self._problems()},
        }
        if self.body:
            operation["requestBody"] = {"required": self.is_body_required, "content": self._body_content()}
        of_query = [{"in": "query", "schema": self.query}] if self.query and self.query().fields else []
        if parameters := [*of_query, *self._header_parameters()]:
            operation["parameters"] = parameters
        return operation

    def _header_parameters(self) -> Iterator[dict[str, Any]]:
        if self.once != "needless":
            yield dict(IDEMPOTENCY_KEYS[self.once])
        if self.guard != "none":
            yield dict(IF_MATCHES[self.guard])
        if self.is_tagged and not self.is_write:
            yield dict(IF_NONE_MATCH)

    def _body_content(self) -> dict[str, Any]:
        shown = {"schema": self.body} | ({} if self.example is None else {"example": self.example})
        return {JSON: shown} | (LINES if self.is_ndjson else {})

    def _successes(self) -> dict[str, Any]:
        found = {str(status): self._success(status, shows) for status, shows in self.answers.items()}
        return found | ({"304": NOT_MODIFIED} if self.is_tagged and not self.is_write else {})

    def _success(self, status: int, shows: Any) -> dict[str, Any]:
        schema: Any = shows
        if self.is_page:
            items = {"type": "array", "items": shows}
            schema = {"type": "object", "required": ["items"], "properties": {"items": items}}
        content = {JSON: {"schema": schema}} | (LINES if self.is_ndjson and status == 200 else {})
        if self.sends is not None:
            content = {name: {"schema": form} for name, form in self.sends.items()}
        answer = {"description": HTTPStatus(status).phrase, "content": content, "headers": self._headers()}
        return answer | ({"links": self.leads_to.as_links()} if self.leads_to else {})

    def _headers(self) -> dict[str, Any]:
        has = {
            "Link": self.is_page,
            "ETag": self.is_tagged,
            "Location": self.has_location,
            "Idempotent-Replayed": self.once != "needless",
            "Content-Disposition": self.sends is not None,
        }
        return headers_named(*(name for name, is_there in has.items() if is_there))

    def _problems(self) -> dict[str, Any]:
        codes: dict[int, list[str]] = {}
        for status, code in sorted(set(self._refusals())):
            codes.setdefault(status, []).append(code)
        return {str(status): problem_response(status, named) for status, named in codes.items()}

    def _refusals(self) -> Iterator[tuple[int, str]]:
        yield from EVERYWHERE
        yield from EVERYWHERE_TOO
        if self.is_write:
            yield from ON_WRITES
        if self.query and "as_of" in self.query().fields:
            yield STATUSES[InstantRefused.kind], InstantRefused.code
        if self.once != "needless":
            yield from ON_KEYED
        if self.once == "required":
            yield 400, "idempotency_key_missing"
        if self.guard != "none":
            yield from ON_GUARDED
        if self.guard == "required":
            yield 428, "precondition_required"
        for refusal in self.refuses:
            yield STATUSES[refusal.kind], refusal.code


def problem_response(status: int, codes: Sequence[str]) -> dict[str, Any]:
    """Return the response of a status with the codes it may carry, the first of them as the example."""
    said = "".join(f"\n- [`{code}`](/problems/{code}): {title_of(code)}" for code in codes)
    title = title_of(codes[0])
    example = {"type": f"/problems/{codes[0]}", "title": title, "status": status, "detail": "…", "code": codes[0]}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": f"{HTTPStatus(status).phrase}{said}",
        "headers": headers_named(*HEADERS_OF_STATUS.get(status, ())),
        "content": {CONTENT_TYPE: {"schema": schema, "example": example}},
    }


def _expression(source: str) -> str:
    if source.startswith("/"):
        return f"$response.body#{source}"
    place, _, name = source.partition(".")
    return f"$request.body#/{name}" if place == "body" else f"$request.path.{name}"
