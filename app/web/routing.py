"""An address as Flask has it, written as the API document and the log have it."""

from __future__ import annotations

from flask_smorest.spec.plugins import FlaskPlugin


def openapi_path(rule: str) -> str:
    """Return a Flask rule as a path of the document.

    >>> openapi_path("/v1/partners/<identifier:partner>")
    '/v1/partners/{partner}'
    """
    return str(FlaskPlugin.flaskpath2openapi(rule))
