"""JSON that we send: orjson, in the order we wrote it."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider


class OrjsonProvider(JSONProvider):
    """Flask's JSON with orjson. Bodies of requests are never read with it but by `body.py`, which is strict."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return json_response(self._prepare_response_obj(args, kwargs))


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return data as a JSON response."""
    return Response(orjson.dumps(data), status, headers, content_type="application/json")
