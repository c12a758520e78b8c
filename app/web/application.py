"""The Flask application around some rooms: limits, problems, request ids, pages. Which rooms there are is `factory.py`'s."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask

from app.runtime import Runtime
from app.web import limits, pages, problem, requests, routing
from app.web.auth import Gate
from app.web.blueprint import Room
from app.web.body import MAX_BODY
from app.web.json_answers import OrjsonProvider
from app.web.openapi import document
from app.web.rate import Limiter, Rate


def application(runtime: Runtime, gate: Gate, rooms: Sequence[Room], rate: Rate) -> Flask:
    """Return the application. It has no session, no templates of its own and no secrets."""
    app = Flask("app.web", static_folder=None)
    # Without automatic OPTIONS, every method of every /v1 address asks for a key.
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.json = OrjsonProvider(app)
    app.extensions["termline_runtime"] = runtime
    app.extensions["termline_gate"] = gate
    problem.register(app)
    requests.register(app)
    routing.register(app)
    limits.register(app, Limiter(rate))
    pages.register(app, document(app, rooms, gate), runtime.catalogue)
    return app
