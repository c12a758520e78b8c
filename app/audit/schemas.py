"""What the audit room reads and shows."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.web.as_of import PageAsOf
from app.web.fields import InstantField, Shaped, Text
from app.web.schema import Strict


class Sought(Shaped):
    """What is looked for in a column of texts."""

    expected = "1 to 200 printable characters"
    example = "acme/3"
    described_as = {"minLength": 1, "maxLength": 200}

    def read(self, text: str) -> str | None:
        return text if 1 <= len(text) <= 200 and text.isprintable() else None


def _sought(description: str, example: str) -> Any:
    return Sought(load_default=None, metadata={"description": description, "example": example})


class EventsQuery(PageAsOf):
    """Which events are asked for; all that is said has to be true of them."""

    subject = _sought("What changed, by its id.", "acme/3")
    subject_prefix = _sought("What the id of what changed begins with: `acme/` finds all versions of acme.", "acme/")
    actor = _sought("Who did it: the name of a key, or `cli:` and a name.", "ann")
    action = _sought("What was done, a verb in the past.", "contract_version.approved")
    since = InstantField(data_key="from", load_default=None, metadata={"description": "Not before this instant."})
    until = InstantField(load_default=None, metadata={"description": "Before this instant."})


class EventShown(Strict):
    """An audit event."""

    seq = fields.Integer(metadata={"description": "Its place in the chain, from 1 without gaps."})
    at = InstantField()
    actor = Text()
    action = Text()
    subject = Text()
    summary = fields.String()
    reason = fields.String(allow_none=True, metadata={"description": "Why, in the words of whoever did it."})
    request = fields.String(allow_none=True, metadata={"description": "The id of the request, as in the log."})
    before = fields.Dict(allow_none=True, metadata={"description": "What it was."})
    after = fields.Dict(allow_none=True, metadata={"description": "What it is."})
    hash = fields.String(metadata={"description": "Ties it to all events before it."})


class HeadShown(Strict):
    """Where the chain ends."""

    installation = fields.String(metadata={"description": "Whose chain it is."})
    seq = fields.Integer(metadata={"description": "The place of the last event; 0 when there is none."})
    hash = fields.String(metadata={"description": "The hash of the last event."})
