"""The id a request is known by, in its response and in our log, and the one line that is logged of it."""

from __future__ import annotations

import structlog
from flask import Flask, Response, g, request

from app.core.clock import system_ticks
from app.core.ids import random_secret
from app.web.routing import openapi_path

log = structlog.get_logger("termline.web")
HEADER = "X-Request-Id"


def register(app: Flask) -> None:
    """Send the request's id with every response, and log it with everything that is logged meanwhile."""
    app.before_request(_begin)
    app.after_request(_name_and_log)


def request_id() -> str:
    """Return the id of the present request. It is ours, never the caller's, so that it means one request."""
    if "request_id" not in g:
        g.request_id = random_secret()[:16]
    return str(g.request_id)


def _begin() -> None:
    g.begun = system_ticks()
    structlog.contextvars.clear_contextvars()  # the thread may have served another request before
    structlog.contextvars.bind_contextvars(request=request_id())


def _name_and_log(response: Response) -> Response:
    """Name the request, and log what was asked by whom and answered: never an address as it was sent, for ids of people's
    orders stand in it, nor a query, a body or a key."""
    response.headers[HEADER] = request_id()
    caller = g.get("caller")
    log.info(
        "request.answered",
        request=request_id(),
        method=request.method if request.method in METHODS else "other",
        path=openapi_path(request.url_rule.rule) if request.url_rule else None,
        status=response.status_code,
        ms=(system_ticks() - g.begun) // 1_000_000 if "begun" in g else None,
        actor=caller and caller.actor,
        role=caller and caller.role,
    )
    return response


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
