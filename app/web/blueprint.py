"""The furniture of a room's routes: who may, what is read, one unit of work, what is answered, and its documentation.

A view gets the context, the body or query as keyword arguments, and the ids of its address; it calls one operation.
Its docstring is the documentation people read: the first line is the summary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import quote

import flask_smorest
from flask import Response
from marshmallow import Schema

from app.core.errors import AppError
from app.runtime import Context
from app.web.auth import Caller, admitted, gate, refusals_noted
from app.web.body import MAX_BODY, body_bytes, read_body, read_json, read_no_body, read_query
from app.web.json_answers import json_response
from app.web.lines import is_ndjson, lines_response, read_lines
from app.web.operation_doc import OperationDoc
from app.web.pagination import Cursor, PageQuery
from app.web.schema import Strict
from app.web.transaction import work

View = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view says when the status, or a header, is not the usual one."""

    data: Any
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Room(flask_smorest.Blueprint):  # type: ignore[misc]
    """The routes of one room, under /v1."""

    def __init__(self, name: str, import_name: str, description: str) -> None:
        super().__init__(name, import_name, url_prefix="/v1", description=description)

    def reads(
        self,
        path: str,
        *,
        needs: str,
        shows: type[Schema],
        query: type[Schema] = Strict,
        refuses: Sequence[type[AppError]] = (),
    ) -> Callable[[View], View]:
        """Make a view answer GET: it takes the query's fields, and its answer is shown by a schema."""
        documented = OperationDoc(needs, refuses=refuses, query=query, answers={200: shows})
        return self._operation("GET", path, documented, lambda: read_query(query()), _shown_by(shows, 200))

    def lists(
        self,
        path: str,
        *,
        needs: str,
        shows: type[Schema],
        cursor: Callable[[Any], Cursor],
        query: type[PageQuery] = PageQuery,
        refuses: Sequence[type[AppError]] = (),
    ) -> Callable[[View], View]:
        """Make a view answer GET with a page: it takes a Page and returns up to `page.fetch` rows; `cursor` says where
        a row stands in their order."""
        documented = OperationDoc(needs, refuses=refuses, query=query, answers={200: shows}, is_page=True)

        def show(rows: Sequence[Any], given: dict[str, Any]) -> Response:
            shown, headers = given["page"].cut(rows, cursor)
            return json_response({"items": [_dumped(shows, row) for row in shown]}, 200, headers)

        return self._operation("GET", path, documented, lambda: read_query(query()), show)

    def writes(
        self,
        path: str,
        *,
        needs: str,
        shows: type[Schema],
        takes: type[Schema] | None = None,
        status: int = 200,
        refuses: Sequence[type[AppError]] = (),
        location: str | None = None,
        whole: str | None = None,
        or_lines: View | None = None,
        most: int = MAX_BODY,
        may_be_empty: bool = False,
        **doc: Any,
    ) -> Callable[[View], View]:
        """Make a view answer POST: it takes the body's fields; `location` is the address of what it made.

        With `whole`, the body is handed on under that name, unread but for its JSON: a lower floor reads it, and the
        schema only documents it. With `or_lines`, NDJSON is read as well, and that view answers it line by line.
        A body has at most `most` bytes. One that `may_be_empty` is read as an empty object then.
        """
        answers = {status: shows, **doc.pop("answers", {})}
        documented = OperationDoc(
            needs,
            refuses=refuses,
            body=takes,
            answers=answers,
            is_write=True,
            is_ndjson=or_lines is not None,
            is_body_required=not may_be_empty,
            **doc,
        )

        def read() -> dict[str, Any]:
            read_query(Strict())
            if takes is None or (may_be_empty and not body_bytes()):
                return read_no_body()
            return {whole: read_json(*documented.types, most=most)} if whole else read_body(takes(), most)

        show = _shown_by(shows, status, location)
        return self._operation("POST", path, documented, read, show, or_lines)

    def _operation(
        self,
        method: str,
        path: str,
        documented: OperationDoc,
        read: Callable[[], dict[str, Any]],
        show: Callable[[Any, dict[str, Any]], Response],
        or_lines: View | None = None,
    ) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            @wraps(view)
            def entry(**ids: Any) -> Response:
                caller = admitted(documented.needs, view.__name__)
                with refusals_noted(caller, view.__name__):
                    if or_lines and is_ndjson():
                        read_query(Strict())
                        lines = read_lines()
                        with _work_of(caller, is_write=True) as ctx:
                            return lines_response(or_lines(ctx, lines))
                    given = {**read(), **ids}
                    with _work_of(caller, is_write=documented.is_write) as ctx:
                        return show(view(ctx, **given), given)

            self.route(path, methods=[method])(self.doc(**documented.of(view))(entry))
            return view

        return decorate


@contextmanager
def _work_of(caller: Caller, *, is_write: bool) -> Iterator[Context]:
    """Give the context of what a caller does, in their scope. What they write needs their key as it is now."""
    with work(caller.actor, caller.partner) as ctx:
        if is_write and caller.partner is None:
            gate().confirm(ctx, caller)
        yield ctx


def _shown_by(
    schema: type[Schema], status: int, location: str | None = None
) -> Callable[[Any, dict[str, Any]], Response]:
    def show(answer: Any, given: dict[str, Any]) -> Response:
        answer = answer if isinstance(answer, Answer) else Answer(answer)
        data, headers = _dumped(schema, answer.data), dict(answer.headers)
        if location:
            headers["Location"] = quote(location.format_map({**given, **data, "given": given}))
        return json_response(data, answer.status or status, headers)

    return show


def _dumped(schema: type[Schema], data: Any) -> Any:
    """Return a row as its schema shows it. What a room has described itself is data already, and sent as it is."""
    return data if isinstance(data, dict) else schema().dump(data)
