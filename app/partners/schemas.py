"""What the partners room reads and shows."""

from __future__ import annotations

from marshmallow import fields

from app.web.fields import Identifier, InstantField, Object, Text
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


FACTS = {
    "description": "What its conversions carry besides the facts that are shipped, by name: `{type, meaning, unit?, "
    "required?, values?, fields?, example?}`. Facts are only added, never changed.",
    "example": {"loyalty": {"type": "enum", "meaning": "the customer's tier", "values": ["gold", "silver"]}},
}


class NewProgram(Strict):
    """A program to be created."""

    id = Identifier(required=True, metadata={"example": "cdnow", "description": "Chosen by you; never changes."})
    name = Text(metadata={"description": "For people; the id when left out."})
    currency = Text(
        required=True,
        metadata={"example": "USD", "description": "ISO 4217; its orders are in it unless they name another."},
    )
    timezone = Text(
        required=True,
        metadata={"example": "America/New_York", "description": "IANA zone; contracts' days and months are its."},
    )
    attribution = fields.Nested(Attribution)
    facts = Object(metadata=FACTS)


class NewFacts(Strict):
    """Facts to be declared."""

    facts = Object(required=True, metadata=FACTS)


class ProgramShown(Strict):
    """A program."""

    id = Identifier()
    name = Text()
    currency = Text()
    timezone = Text()
    attribution = fields.Dict()
    facts = fields.Dict(metadata={"description": "The facts it declares besides those that are shipped."})
    created_at = InstantField()
