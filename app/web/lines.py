"""NDJSON: many bodies in one request, one a line, and one line of answer for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.core.errors import AppError
from app.web.body import MAX_BODY, MAX_NDJSON, NDJSON, body_bytes, json_data, require_type
from app.web.errors import MalformedBody
from app.web.problem import problem_of

MAX_LINES = 100_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the request, and its data, or why it has none."""

    number: int
    data: Any | AppError


def is_ndjson() -> bool:
    """Tell whether the request says that it carries lines."""
    return request.mimetype == NDJSON


def read_lines() -> list[Line]:
    """Return the lines of the request, without blank ones. A line that is not JSON does not lose the others."""
    require_type(NDJSON)
    request.max_content_length = MAX_NDJSON
    body = body_bytes()
    if body.count(b"\n") > MAX_LINES:
        # Each line gets an answer, so that short lines would make a small request a large one.
        raise RequestEntityTooLarge
    texts = enumerate(body.split(b"\n"), start=1)
    return [Line(number, _data(text)) for number, text in texts if text.strip()]


def lines_response(answers: Iterable[dict[str, Any]]) -> Response:
    """Return one line for each answer."""
    body = b"".join(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE) for answer in answers)
    return Response(body, content_type=NDJSON)


def _data(text: bytes) -> Any | AppError:
    if len(text) > MAX_BODY:
        return MalformedBody(f"The line has {len(text):,} bytes; a line has {MAX_BODY:,} at most.")
    try:
        return json_data(text, "line")
    except AppError as problem:
        return problem


# Defects that are listed of one line, and of all lines together; of the others it is said how many there are.
MAX_SHOWN_OF_LINE, MAX_SHOWN_IN_LINES = 10, 10_000


def problems_of_lines(problems: Iterable[AppError | None]) -> Iterator[dict[str, Any] | None]:
    """Yield what is said of the problem that each line has, if it has one."""
    room = MAX_SHOWN_IN_LINES
    for problem in problems:
        yield None if problem is None else problem_of(problem).as_dict(most=min(room, MAX_SHOWN_OF_LINE))
        room = max(0, room - (0 if problem is None else len(problem.findings)))
