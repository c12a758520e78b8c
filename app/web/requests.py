"""The id a request is known by, in its response and in our log."""

from __future__ import annotations

import structlog
from flask import Flask, Response, g

from app.core.ids import random_secret

log = structlog.get_logger("termline.web")
HEADER = "X-Request-Id"


def register(app: Flask) -> None:
    """Send the request's id with every response."""

    @app.after_request
    def name_request(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        return response


def request_id() -> str:
    """Return the id of the present request. It is ours, never the caller's, so that it means one request."""
    if "request_id" not in g:
        g.request_id = random_secret()[:16]
    return str(g.request_id)
