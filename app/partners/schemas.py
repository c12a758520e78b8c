"""What the partners room reads and shows."""

from __future__ import annotations

from marshmallow import fields

from app.web.fields import Identifier, InstantField, Text
from app.web.schema import Strict


class NewPartner(Strict):
    """A partner to be created."""

    id = Identifier(required=True, metadata={"description": "Chosen by you; never changes."})
    name = Text(metadata={"description": "For people; the id when left out."})


class PartnerShown(Strict):
    """A partner."""

    id = Identifier()
    name = Text()
    created_at = InstantField()


class Attribution(Strict):
    """How a program finds who gets the credit."""

    model = Text(required=True, metadata={"example": "last_touch", "description": "The attribution model."})


class NewProgram(Strict):
    """A program to be created."""

    id = Identifier(required=True, metadata={"example": "cdnow", "description": "Chosen by you; never changes."})
    name = Text(metadata={"description": "For people; the id when left out."})
    currency = Text(required=True, metadata={"example": "USD", "description": "ISO 4217; all its money is in it."})
    timezone = Text(
        required=True,
        metadata={"example": "America/New_York", "description": "IANA zone; contracts' days and months are its."},
    )
    attribution = fields.Nested(Attribution)


class ProgramShown(Strict):
    """A program."""

    id = Identifier()
    name = Text()
    currency = Text()
    timezone = Text()
    attribution = fields.Dict()
    created_at = InstantField()
