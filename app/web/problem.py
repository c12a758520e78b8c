"""Refusals and faults as RFC 9457 problems: the one place where a kind becomes an HTTP status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from app.core.errors import AppError, Finding, Kind
from app.web.catalogue import title_of
from app.web.faults import HTTP_CODES, as_app_error
from app.web.requests import log, request_id

CONTENT_TYPE = "application/problem+json"
STATUSES: dict[Kind, int] = {
    "malformed": 400,
    "invalid": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "outdated": 412,
    "unconditional": 428,
    "too_many": 429,
    "unavailable": 503,
    "fault": 500,
}
HEADERS: dict[Kind, dict[str, str]] = {
    "unauthenticated": {"WWW-Authenticate": 'Bearer realm="termline"'},
    "unavailable": {"Retry-After": "1"},
}
MAX_SHOWN = 150  # findings of one problem
OUR_FAULT = (
    "Something went wrong on our side and nothing was changed. Tell us the id in `instance`; the log has the rest."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: what is said to the caller, with which status and headers."""

    status: int
    code: str
    detail: str
    findings: tuple[Finding, ...] = ()
    instance: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def as_dict(self, most: int = MAX_SHOWN) -> dict[str, Any]:
        """Return the problem as JSON data; `type` is the address of the page that explains the code. Of its findings it
        lists at most so many, and says how many more there are."""
        said = {"type": f"/problems/{self.code}", "title": title_of(self.code), "status": self.status}
        said |= {"detail": self.detail, "code": self.code}
        if self.instance:
            said["instance"] = self.instance
        if self.findings:
            shown = [*self.findings[:most], *_the_rest(len(self.findings) - most)]
            said["errors"] = [finding.as_dict() for finding in shown]
        return said


def _the_rest(count: int) -> list[Finding]:
    return [Finding("more_findings", f"{count:,} more defects are not listed")] if count > 0 else []


def register(app: Flask) -> None:
    """Let every exception that leaves a view, or the routing, become a problem."""
    app.register_error_handler(HTTPException, _http_answer)
    app.register_error_handler(Exception, lambda error: response_to(problem_of(error)))


def problem_of(error: Exception) -> Problem:
    """Return the problem an exception is to the caller. A fault of ours is logged here, with what we keep to us."""
    refusal = as_app_error(error)
    if refusal is None or refusal.kind == "fault":
        log.error("request.failed", request=request_id(), exc_info=error)
        instance = f"urn:termline:request:{request_id()}"
        # Our own faults were worded for whoever asked; what a library says is for the log only.
        code, detail = (AppError.code, OUR_FAULT) if refusal is None else (refusal.code, refusal.message)
        return Problem(500, code, detail, instance=instance)
    if refusal.kind == "unavailable":
        log.warning("request.unavailable", request=request_id(), code=refusal.code, cause=str(error))
    status, headers = STATUSES[refusal.kind], dict(HEADERS.get(refusal.kind, {}))
    if "retry_after" in refusal.details:
        headers["Retry-After"] = str(refusal.details["retry_after"])
    return Problem(status, refusal.code, refusal.message, refusal.findings, headers=headers)


def response_to(problem: Problem) -> Response:
    """Return a problem as a response."""
    body = orjson.dumps(problem.as_dict())
    return Response(body, problem.status, problem.headers, content_type=CONTENT_TYPE)


def _http_answer(error: HTTPException) -> Response | HTTPException:
    """Answer what werkzeug refuses; a redirect is no refusal and stays what it is."""
    if error.code is None or error.code < 400:
        return error
    code, detail = HTTP_CODES.get(error.code, ("http_error", error.description or error.name))
    kept = {name: value for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")}
    return response_to(Problem(error.code, code, detail, headers=kept))
