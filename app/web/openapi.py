"""The OpenAPI 3.1 document of all rooms, written once when the application is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema
from werkzeug.routing import BaseConverter

from app.web.auth import Gate
from app.web.blueprint import Room
from app.web.header_doc import describe_headers
from app.web.problem_schema import Problem
from app.web.routing import CONVERTERS

DESCRIPTION = """
Termline keeps what was agreed with each partner as effective-dated, executable rules, and pays exactly what they say.

- **Money is a string** (`"12.50"`), a percent rate too (`"5"` means 5 %). JSON numbers with a point are refused.
- **Times** are RFC 3339 with an offset; a time without one is refused. A date used as a start means the first instant
  of that day in the contract's time zone.
- **As of**: reads take `as_of` and answer as they would have then, of what was recorded by that instant. Now, when left
  out; a time to come is refused.
- **Unknown fields are refused**, in bodies and in queries.
- **Refusals** are `application/problem+json` (RFC 9457): `code` is stable, `errors` lists every defect with a JSON
  Pointer. 422 means that the payload is wrong; 403, 404 and 409 are about what is there.
- **Lists** come in pages: follow `Link: <…>; rel="next"`.
- **Rule bodies** have a JSON Schema for editors and form builders: `/schemas/rules.json`.
- **Repeating a request** is safe with an `Idempotency-Key`: it is done once, and answered alike for 30 days.
- **Revisions**: what can be edited or acted on has an `ETag`; with it as `If-Match`, nobody's change is overwritten unseen.
- **Rates**: a key may send many requests at once, but not for long; `RateLimit` says what is left, 429 to wait.
- **Keys**: `termline key create --role ROLE --name NAME` prints one; send it as `Authorization: Bearer tl_…`. Admins
  have /v1/api-keys as well. A partner's key sees that partner's own data: to it, everything else is not there.
""".strip()

RULES_SCHEMA = "/schemas/rules.json"


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest's collector of operations, without its own errors and pages: ours are in `problem.py`."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass


def document(app: Flask, rooms: Sequence[Room], gate: Gate) -> dict[str, Any]:
    """Register the rooms and return the document of all their operations."""
    app.url_map.converters.update({name: converter for name, (converter, _) in CONVERTERS.items()})
    app.config.update(API_TITLE="Termline", API_VERSION=version("termline"), OPENAPI_VERSION="3.1.0")
    plugin = MarshmallowPlugin(schema_name_resolver=_name_of)
    api = Api(app, spec_kwargs={"marshmallow_plugin": plugin, "info": {"description": DESCRIPTION}})
    for converter, schema in CONVERTERS.values():
        api.register_converter(converter, partial(_described, schema))
    api.spec.components.schema("Problem", schema=Problem)
    scheme = {"type": "http", "scheme": "bearer", "description": "An API key; each has one role."}
    api.spec.components.security_scheme("apiKey", scheme)
    describe_headers(api.spec)
    for room in rooms:
        api.register_blueprint(room)
    written: dict[str, Any] = api.spec.to_dict()
    assert plugin.converter is not None
    for (schema, *_), name in plugin.converter.refs.items():
        if one_of := getattr(schema, "one_of", ()):
            written["components"]["schemas"][name]["oneOf"] = [{"required": [field]} for field in one_of]
    return _completed(written, gate)


def operations_of(written: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return path, method and operation of everything in a document."""
    for path, item in written["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def _completed(written: dict[str, Any], gate: Gate) -> dict[str, Any]:
    """Say of each operation which roles may use it, and of each id in an address what it names."""
    for _, _, operation in operations_of(written):
        permission = operation["x-permission"]
        roles = ", ".join(f"`{role}`" for role in gate.roles(permission))
        operation["description"] = f"{operation['description']}\n\nNeeds `{permission}`; roles: {roles}.".strip()
    if "RuleBody" in written["components"]["schemas"]:
        elsewhere = {"url": RULES_SCHEMA, "description": "The JSON Schema of rule bodies, with every key and word."}
        written["components"]["schemas"]["RuleBody"]["externalDocs"] = elsewhere
    for item in written["paths"].values():
        for parameter in item.get("parameters", []):
            name = parameter["name"].replace("_", " ")
            is_id = parameter["schema"].get("type") == "string"
            parameter.setdefault("description", f"The id of the {name}." if is_id else f"The {name}.")
    return written


def _described(schema: dict[str, Any], converter: BaseConverter) -> dict[str, Any]:
    return dict(schema)


def _name_of(schema: Any) -> str:
    found = schema if isinstance(schema, type) else type(schema)
    assert issubclass(found, Schema)
    return found.__name__
