"""Problems and their findings as the API document describes them. They are written by `problem.py`."""

from __future__ import annotations

from marshmallow import fields

from app.web.fields import Text, Word
from app.web.schema import Strict


class Finding(Strict):
    """One defect of a request."""

    code = Text(required=True, metadata={"description": "For programs.", "example": "float_refused"})
    severity = Word(("error", "warning", "information"), required=True)
    pointer = fields.String(
        required=True,
        metadata={
            "description": "Where: a JSON Pointer into the body, or into the query as an object.",
            "example": "/rules/0/then/flat",
        },
    )
    message = fields.String(required=True, metadata={"description": "What was found and what was expected."})
    hint = fields.String(metadata={"description": "What to do."})


class Problem(Strict):
    """Why a request was refused (RFC 9457)."""

    type = fields.String(
        required=True, metadata={"format": "uri-reference", "description": "The page that explains the code."}
    )
    title = fields.String(required=True, metadata={"description": "The same for all problems of a code."})
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What happened this time, and what to do."})
    code = Text(required=True, metadata={"description": "Stable; compare this one.", "example": "body_refused"})
    instance = fields.String(metadata={"format": "uri", "description": "Which request it was, for a fault of ours."})
    errors = fields.List(fields.Nested(Finding), metadata={"description": "Every single defect."})
