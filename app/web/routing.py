"""Addresses: what can stand in them, and how they are written in the API document and the log."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask_smorest.spec.plugins import FlaskPlugin
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, ValidationError

TEXT = {"type": "string"}


def register(app: Flask) -> None:
    """Let what cannot be an address be none, whatever the method."""
    app.before_request(_refuse_what_is_no_address)


def _refuse_what_is_no_address() -> None:
    """A name with characters that do not print turns out to be none only after methods were compared: those of other
    rules of the same shape would be offered for it. Nothing else in an address may hold such characters."""
    if isinstance(request.routing_exception, MethodNotAllowed) and not request.path.isprintable():
        raise NotFound


class IdentifierConverter(BaseConverter):
    """An id in an address. What cannot be an id is an address at which there is nothing."""

    regex = r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}"


class DecisionConverter(BaseConverter):
    """The id of a decision, so that what else lies beside them is no decision."""

    regex = r"dec_[A-Za-z0-9]{1,60}"


class NumberConverter(BaseConverter):
    """A number that counts from one. It is looked at as text: an address must not turn out to be none only after its
    methods were compared, or a wrong number would be answered 405."""

    regex = r"[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class MonthConverter(BaseConverter):
    """A billing period in an address."""

    regex = r"(?!000[01]|9999)[0-9]{4}-(?:0[1-9]|1[0-2])"


class NameConverter(BaseConverter):
    """The last part of an address: an id that others chose, slashes and all."""

    part_isolating = False
    regex = r".{1,128}"

    def to_python(self, value: str) -> str:
        if not value.isprintable():
            raise ValidationError
        return value


CONVERTERS: dict[str, tuple[type[BaseConverter], dict[str, Any]]] = {
    "identifier": (IdentifierConverter, {**TEXT, "pattern": f"^{IdentifierConverter.regex}$"}),
    "decision": (
        DecisionConverter,
        {**TEXT, "pattern": f"^{DecisionConverter.regex}$", "example": "dec_5f1c7c2f0e6a4b9d"},
    ),
    "number": (NumberConverter, {"type": "integer", "minimum": 1, "maximum": 999_999_999, "example": 1}),
    "month": (MonthConverter, {**TEXT, "pattern": f"^{MonthConverter.regex}$", "example": "1997-07"}),
    "name": (NameConverter, {**TEXT, "minLength": 1, "maxLength": 128}),
}


def openapi_path(rule: str) -> str:
    """Return a Flask rule as a path of the document.

    >>> openapi_path("/v1/partners/<identifier:partner>")
    '/v1/partners/{partner}'
    """
    return str(FlaskPlugin.flaskpath2openapi(rule))
