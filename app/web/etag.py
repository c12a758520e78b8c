"""`ETag`, `If-Match` and `If-None-Match` (RFC 9110): revisions of a thing, told apart by what is shown of it.

An edit of a thing takes three lines: how it is locked and shown, said once; and that beside the route.

    def held_version(ctx: Context, contract: str, number: int, **ids: Any) -> dict[str, Any]:
        contract_named(ctx.session, contract, lock=True)
        return version_data(version_numbered(ctx.session, contract, number))

    @routes.edits(VERSION, needs="configure", takes=NewVersion, shows=VersionShown, revision=held_version)
    def edit_version(ctx: Context, contract: str, number: int, **body: Any) -> dict[str, Any]: ...

`revision` runs inside the transaction of the edit and ahead of it, so that of two editors with the same tag one wins. The
same argument of `routes.writes` makes `If-Match` optional, for what is done to a thing without editing it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from flask import Response, request

from app.web.errors import IfMatchMalformed, PreconditionRequired, RevisionMismatch

Guard = Literal["required", "optional", "none"]
# Loads and locks what a request is about, and returns it as GET shows it.
Revision = Callable[..., Any]
HEADER = "If-Match"
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")


@dataclass(frozen=True, slots=True)
class Expected:
    """The revisions that a caller expects: tags, or whatever there is (`*`)."""

    tags: frozenset[str]
    is_any: bool = False

    def require(self, data: Any) -> None:
        """Refuse when what is shown of the thing has none of the expected tags. Weak tags match nothing here."""
        found = etag_of(data)
        if not self.is_any and found not in self.tags:
            raise RevisionMismatch(
                f"`{HEADER}` names another revision than the present one, {found}. Read it again, then decide."
            )


def etag_of(data: Any) -> str:
    """Return the strong entity tag of shown data, quotes included.

    >>> etag_of({"a": 1, "b": 2}) == etag_of({"b": 2, "a": 1}) != etag_of({"a": 1})
    True
    """
    return f'"{hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]}"'


def expected_of_request(guard: Guard) -> Expected | None:
    """Return what the request expects to find, or None where it says nothing and need not."""
    if guard == "none":
        return None
    text = ", ".join(request.headers.getlist(HEADER)).strip()
    if HEADER not in request.headers:
        if guard == "required":
            raise PreconditionRequired(f"Send `{HEADER}` with the `ETag` of the revision that you change.")
        return None
    if text == "*":
        return Expected(frozenset(), is_any=True)
    if not _TAGS.fullmatch(text):
        raise IfMatchMalformed(f'`{HEADER}` is `*`, or tags as `ETag` shows them, quotes included: `"5f1c7c2f"`.')
    return Expected(frozenset(re.findall(_TAG, text)))


def tagged(response: Response, data: Any) -> Response:
    """Return a response with the tag of what it shows; to a reader who has that already, 304 without it."""
    response.headers["ETag"] = etag_of(data)
    if request.method in ("GET", "HEAD"):
        response.make_conditional(request)
    return response
