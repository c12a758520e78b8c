"""Headers as the API document describes them: those that are read, and those that are sent. What they do is elsewhere."""

from __future__ import annotations

from typing import Any

from apispec import APISpec

from app.web import idempotency

TEXT = {"type": "string"}
_TAG = '(W/)?"[!#-~]*"'
TAGS = {"type": "string", "pattern": rf"^(\*|{_TAG}(, *{_TAG})*)$"}
SENT: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The id under which our log knows the request.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16}$"},
    },
    "RateLimit-Policy": {
        "description": 'How many requests are allowed: `q` at once, and that many again within `w` seconds: `"key";q=1000;w=5`.',
        "schema": TEXT,
    },
    "RateLimit": {
        "description": 'How many requests are left at once, and in how many seconds all are again: `"key";r=998;t=1`.',
        "schema": TEXT,
    },
    "Link": {"description": 'The next page, as `<…>; rel="next"`; absent on the last one.', "schema": TEXT},
    "ETag": {
        "description": "The revision of what is shown. Send it as `If-Match` with what changes it.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
    },
    "Location": {"description": "The address of what was made.", "schema": TEXT},
    "Idempotent-Replayed": {
        "description": "`true` when the request was done before, and this is what it was answered with then.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Content-Disposition": {
        "description": "The name that the file is kept under.",
        "required": True,
        "schema": {"type": "string", "pattern": "^(inline|attachment); filename="},
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {"description": "How to present a key.", "required": True, "schema": TEXT},
}
EVERYWHERE = ("X-Request-Id", "RateLimit-Policy", "RateLimit")
HEADERS_OF_STATUS = {401: ("WWW-Authenticate",), 409: ("Retry-After",), 429: ("Retry-After",), 503: ("Retry-After",)}

_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "schema": {"type": "string", "pattern": idempotency.PATTERN},
}
_KEY_SAYS = (
    "A value of your own, such as a UUID, that is new for each intention and the same whenever you repeat the request. It"
    " is answered with what it did the first time, byte by byte, for 30 days."
)
_MATCH = {"name": "If-Match", "in": "header", "schema": TAGS}
_MATCH_SAYS = "The `ETag` of the revision that you have read. If another one is there now, nothing is done (412)."
IDEMPOTENCY_KEYS: dict[str, dict[str, Any]] = {
    "optional": {**_KEY, "description": _KEY_SAYS},
    "required": {**_KEY, "required": True, "description": _KEY_SAYS},
}
IF_MATCHES: dict[str, dict[str, Any]] = {
    "optional": {**_MATCH, "description": _MATCH_SAYS},
    "required": {**_MATCH, "required": True, "description": _MATCH_SAYS},
}
IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of what you have. If it is still what there is, it is not sent again (304).",
    "schema": TEXT,  # what is no tag matches nothing
}


def headers_named(*names: str) -> dict[str, Any]:
    """Return the headers of a response: some, and those that every response has."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *EVERYWHERE)}


def describe_headers(spec: APISpec) -> None:
    """Put the headers that are sent into a document's components."""
    for name, sent in SENT.items():
        spec.components.header(name, sent)


NOT_MODIFIED: dict[str, Any] = {
    "description": "Not Modified: `If-None-Match` has its tag.",
    "headers": headers_named("ETag"),
}
