"""What the partners room reads and shows."""

from __future__ import annotations

from marshmallow import fields

from app.web.fields import Identifier, InstantField, LocalDateOrInstant, Object, Reason, Text, Whole, Word
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


MODEL = {
    "description": "`model` is last_touch, first_touch, linear, position_based (with `first`, `middle` and `last` in "
    "percent) or time_decay (with `half_life`). `prefer` lets clicks go before views, `identity` names the keys by which "
    "a touch is the customer's, in order, `overrides` give all the credit to the owner of a coupon or to a preferred "
    "partner, `suppress` names codes that earn nobody and what partners buy themselves, and `not_eligible` says whether "
    "a share of who is not eligible is lost (forfeit) or others' (reassign).",
    "example": {
        "model": "position_based",
        "first": "40",
        "middle": "20",
        "last": "40",
        "prefer": ["click", "view"],
        "overrides": [{"id": "acme_code", "exclusive_coupon": {"codes": ["ACME10"], "partner": "acme"}}],
        "not_eligible": "reassign",
    },
}


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
    attribution = Object(metadata=MODEL)
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


class NewModel(Strict):
    """How a program finds who gets the credit, from an instant on."""

    effective_from = LocalDateOrInstant(
        required=True,
        metadata={"example": "1997-07-01", "description": "A date means its first instant in the program's zone."},
    )
    attribution = Object(required=True, metadata=MODEL)
    backdated = Word(("restate",), metadata={"description": "Needed where it starts in the past."})
    reason = Reason(metadata={"description": "Why, for the audit trail."})


class ModelShown(Strict):
    """An attribution model."""

    program = Identifier(metadata={"example": "cdnow"})
    number = Whole(1, 999_999_999)
    effective_from = InstantField(allow_none=True, metadata={"description": "Null for the first: it was always there."})
    attribution = Object()
    created_by = Text(allow_none=True, metadata={"example": "dana"})
    recorded_at = InstantField()
