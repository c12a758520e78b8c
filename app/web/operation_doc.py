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
)
EVERYWHERE_TOO = ((500, "fault"), (503, "database_unreachable"), (503, "try_again"))
ON_WRITES = (
    (400, "malformed_json"),
    (409, "changed_meanwhile"),
    (413, "body_too_large"),
    (415, "unsupported_media_type"),
    (422, "body_refused"),
)
LINES = {NDJSON: {"schema": {"type": "string", "description": "One JSON object a line."}}}
LINK = {
    "description": 'The next page, as `<…>; rel="next"`; absent on the last one.',
    "schema": {"type": "string"},
}


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
    example: Any = None

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
        if self.query and self.query().fields:
            operation["parameters"] = [{"in": "query", "schema": self.query}]
        return operation

    def _body_content(self) -> dict[str, Any]:
        shown = {"schema": self.body} | ({} if self.example is None else {"example": self.example})
        return {JSON: shown} | (LINES if self.is_ndjson else {})

    def _successes(self) -> dict[str, Any]:
        return {str(status): self._success(status, shows) for status, shows in self.answers.items()}

    def _success(self, status: int, shows: Any) -> dict[str, Any]:
        schema: Any = shows
        if self.is_page:
            items = {"type": "array", "items": shows}
            schema = {"type": "object", "required": ["items"], "properties": {"items": items}}
        content = {JSON: {"schema": schema}} | (LINES if self.is_ndjson and status == 200 else {})
        answer = {"description": HTTPStatus(status).phrase, "content": content}
        return answer | ({"headers": {"Link": LINK}} if self.is_page else {})

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
        "content": {CONTENT_TYPE: {"schema": schema, "example": example}},
    }
