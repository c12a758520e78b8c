"""The furniture of a room's routes: who may, what is read, one unit of work, what is answered, and its documentation.

A view gets the context, the body or query as keyword arguments, and the ids of its address; it calls one operation.
Its docstring is the documentation people read: the first line is the summary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any
from urllib.parse import quote

import flask_smorest
from flask import Response
from marshmallow import Schema

from app.core.errors import AppError
from app.runtime import Context
from app.web.auth import Caller, admitted, gate, refusals_noted
from app.web.body import MAX_BODY, body_bytes, read_body, read_json, read_no_body, read_query
from app.web.etag import Revision, expected_of_request, tagged
from app.web.idempotency import Once, answered_once, key_of_request
from app.web.json_answers import json_response
from app.web.lines import is_ndjson, lines_response, read_lines
from app.web.operation_doc import Leads, OperationDoc
from app.web.pagination import Cursor, PageQuery
from app.web.schema import Strict
from app.web.transaction import work

View = Callable[..., Any]
Show = Callable[[Any, dict[str, Any]], Response]
INERT = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view says when the status, or a header, is not the usual one."""

    data: Any
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """What a view says when it answers with a file: its bytes, and the name it is kept under."""

    data: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Write:
    """How a write is read, shown and guarded."""

    shows: type[Schema]
    takes: type[Schema] | None
    status: int
    location: str | None
    whole: str | None
    or_lines: View | None
    most: int
    revision: Revision | None
    may_be_empty: bool = False


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
        tagged: bool = False,
        leads_to: Leads | None = None,
    ) -> Callable[[View], View]:
        """Make a view answer GET: it takes the query's fields, and its answer is shown by a schema.

        What can be edited or acted on is `tagged`: it has an `ETag`, and is not sent again to a reader who has it.
        """
        documented = OperationDoc(
            needs, refuses=refuses, query=query, answers={200: shows}, is_tagged=tagged, leads_to=leads_to
        )
        show = _shown_by(shows, 200, is_tagged=tagged)
        return self._operation("GET", path, documented, lambda: read_query(query()), show)

    def sends(
        self,
        path: str,
        *,
        needs: str,
        content_type: str,
        schema: Mapping[str, Any],
        query: type[Schema] = Strict,
        refuses: Sequence[type[AppError]] = (),
        inline: bool = False,
    ) -> Callable[[View], View]:
        """Make a view answer GET with a File of one content type, to be kept, or `inline` to be looked at."""
        documented = OperationDoc(
            needs, refuses=refuses, query=query, answers={200: None}, sends={content_type.partition(";")[0]: schema}
        )
        show = partial(_sent, content_type=content_type, inline=inline)
        return self._operation("GET", path, documented, lambda: read_query(query()), show)

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
        once: Once = "optional",
        revision: Revision | None = None,
        answers: Mapping[int, type[Schema]] | None = None,
        tagged: bool = False,
        **doc: Any,
    ) -> Callable[[View], View]:
        """Make a view answer POST: it takes the body's fields; `location` is the address of what it made.

        With `whole`, the body is handed on under that name, unread but for its JSON: a lower floor reads it, and the
        schema only documents it. With `or_lines`, NDJSON is read as well, and that view answers it line by line.
        A body has at most `most` bytes. One that `may_be_empty` is read as an empty object then.

        `once` says whether an `Idempotency-Key` is required (where a second request would make a second thing), optional,
        or needless (where nothing is written). With `revision`, `If-Match` is held against what it returns (see
        `etag.py`). With `tagged`, or a revision, the answer is what GET shows, and has its `ETag`.
        """
        documented = OperationDoc(
            needs,
            refuses=refuses,
            body=takes,
            answers={status: shows, **(answers or {})},
            is_write=True,
            is_ndjson=or_lines is not None,
            is_tagged=tagged or revision is not None,
            guard="none" if revision is None else "optional",
            once=once,
            has_location=location is not None,
            is_body_required=not may_be_empty,
            **doc,
        )
        return self._write(
            "POST",
            path,
            documented,
            Write(shows, takes, status, location, whole, or_lines, most, revision, may_be_empty),
        )

    def edits(
        self,
        path: str,
        *,
        needs: str,
        takes: type[Schema],
        shows: type[Schema],
        revision: Revision,
        refuses: Sequence[type[AppError]] = (),
        most: int = MAX_BODY,
        once: Once = "optional",
        **doc: Any,
    ) -> Callable[[View], View]:
        """Make a view answer PUT, which puts the body in the place of what is there.

        `If-Match` is required, and held against what `revision` returns (see `etag.py`).
        """
        documented = OperationDoc(
            needs,
            refuses=refuses,
            body=takes,
            answers={200: shows},
            is_write=True,
            is_tagged=True,
            guard="required",
            once=once,
            **doc,
        )
        return self._write("PUT", path, documented, Write(shows, takes, 200, None, None, None, most, revision))

    def _write(self, method: str, path: str, documented: OperationDoc, write: Write) -> Callable[[View], View]:
        def read() -> dict[str, Any]:
            read_query(Strict())
            if write.takes is None or (write.may_be_empty and not body_bytes()):
                return read_no_body()
            if write.whole:
                return {write.whole: read_json(*documented.types, most=write.most)}
            return read_body(write.takes(), write.most)

        show = _shown_by(write.shows, write.status, write.location, is_tagged=documented.is_tagged)
        return self._operation(method, path, documented, read, show, write)

    def _operation(
        self,
        method: str,
        path: str,
        documented: OperationDoc,
        read: Callable[[], dict[str, Any]],
        show: Show,
        write: Write | None = None,
    ) -> Callable[[View], View]:
        or_lines = write and write.or_lines

        def decorate(view: View) -> View:
            def answered(caller: Caller, ids: dict[str, Any]) -> Response:
                key = key_of_request(documented.once)
                expected = expected_of_request(documented.guard)
                if or_lines and is_ndjson():
                    read_query(Strict())
                    lines = read_lines()
                    with _work_of(caller, is_write=True) as ctx:
                        return answered_once(ctx, key, lambda: lines_response(or_lines(ctx, lines)))
                given = {**read(), **ids}

                def answer(ctx: Context) -> Response:
                    if expected and write and write.revision:
                        expected.require(_dumped(write.shows, write.revision(ctx, **ids)))
                    return show(view(ctx, **given), given)

                with _work_of(caller, is_write=documented.is_write) as ctx:
                    return answered_once(ctx, key, lambda: answer(ctx))

            @wraps(view)
            def entry(**ids: Any) -> Response:
                caller = admitted(documented.needs, view.__name__)
                with refusals_noted(caller, view.__name__):
                    return answered(caller, ids)

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


def _shown_by(schema: type[Schema], status: int, location: str | None = None, *, is_tagged: bool = False) -> Show:
    def show(answer: Any, given: dict[str, Any]) -> Response:
        answer = answer if isinstance(answer, Answer) else Answer(answer)
        data, headers = _dumped(schema, answer.data), dict(answer.headers)
        if location:
            headers["Location"] = quote(location.format_map({**given, **data, "given": given}))
        response = json_response(data, answer.status or status, headers)
        return tagged(response, data) if is_tagged else response

    return show


def _sent(file: File, given: dict[str, Any], *, content_type: str, inline: bool) -> Response:
    disposition = f'{"inline" if inline else "attachment"}; filename="{file.name}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    if inline:
        # It is a page of figures: nothing in it runs, or reaches anywhere.
        headers["Content-Security-Policy"] = INERT
    return Response(file.data, 200, headers, content_type=content_type)


def _dumped(schema: type[Schema], data: Any) -> Any:
    """Return a row as its schema shows it. What a room has described itself is data already, and sent as it is."""
    return data if isinstance(data, dict) else schema().dump(data)
