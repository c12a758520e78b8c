"""Cursor pages: `?limit=&after=`, a body of `items`, and `Link: <…>; rel="next"` while there are more."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from flask import request
from marshmallow import post_load

from app.web.fields import Shaped, Whole
from app.web.schema import Strict

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
Cursor = tuple[str, ...]
T = TypeVar("T")


class CursorField(Shaped):
    """Where the page before ended. Its form is ours and may change: callers follow `Link`."""

    expected = "a cursor, taken as it is from the `Link` of the page before"
    example = "WyJhY21lIl0"

    def read(self, text: str) -> Cursor | None:
        try:
            found = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError):
            return None
        parts = found if isinstance(found, list) else [found]
        usable = all(isinstance(part, str) and part.isprintable() for part in parts)
        return tuple(parts) if usable and len(parts) else None


@dataclass(frozen=True, slots=True)
class Page:
    """The page that is asked for. A repository is asked for one row more, which tells whether there is a next page."""

    limit: int
    after: Cursor | None

    @property
    def fetch(self) -> int:
        """How many rows to ask for."""
        return self.limit + 1

    @property
    def after_id(self) -> str | None:
        """The cursor of a list that is ordered by one id."""
        return None if self.after is None else self.after[0]

    @property
    def after_number(self) -> int:
        """The cursor of a list that is ordered by a number, which counts from one."""
        text = self.after_id or "0"
        return int(text) if text.isascii() and text.isdecimal() else 0

    def rest_of(self, rows: Sequence[T], name: Callable[[T], str]) -> Sequence[T]:
        """Return the page out of rows that are all there, for lists too short to be asked for in parts."""
        names = [name(row) for row in rows]
        start = names.index(self.after_id) + 1 if self.after_id in names else 0
        return rows[start : start + self.fetch]

    def cut(self, rows: Sequence[Any], cursor: Callable[[Any], Cursor]) -> tuple[Sequence[Any], dict[str, str]]:
        """Return the page's rows and the header that leads to the next page, if there is one."""
        shown = rows[: self.limit]
        return shown, next_link(cursor(shown[-1])) if len(rows) > self.limit else {}


class PageQuery(Strict):
    """The query of a list; a list with filters adds its own fields."""

    limit = Whole(1, MAX_LIMIT, load_default=DEFAULT_LIMIT, metadata={"description": "How many items at most."})
    after = CursorField(load_default=None, metadata={"description": "Where to go on: from `Link` of the page before."})

    @post_load
    def as_page(self, given: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Hand limit and cursor on as one Page."""
        page = Page(given.pop("limit"), given.pop("after"))
        return {**given, "page": page}


def next_link(cursor: Cursor) -> dict[str, str]:
    """Return the `Link` header to the page behind a cursor: the same request, from there on."""
    text = base64.urlsafe_b64encode(orjson.dumps(list(cursor))).decode().rstrip("=")
    query = urlencode({**request.args.to_dict(), "after": text})
    return {"Link": f'<{request.path}?{query}>; rel="next"'}
