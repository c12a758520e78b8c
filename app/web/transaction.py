"""One request is one unit of work: the view gets its context, and what it did is kept when it answers well."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask import current_app

from app.runtime import Context, Runtime
from app.web.requests import request_id


def runtime() -> Runtime:
    """Return what the process holds: database, engine, catalogue, clock."""
    found: Runtime = current_app.extensions["termline_runtime"]
    return found


def work(actor: str, partner: str | None = None) -> AbstractContextManager[Context]:
    """Give the context of one unit of work; see `Runtime.work`."""
    return runtime().work(actor, request_id(), partner)
