"""What the conversions room reads and shows. Conversions are read by `envelope.py`; here they are documented."""

from __future__ import annotations

from marshmallow import fields

from app.conversions.touches import MAX_TOUCHES
from app.store.models.conversions import OUTCOMES, TOUCH_TYPES
from app.web.as_of import LocalPageAsOf
from app.web.fields import DecimalString, Identifier, InstantField, Name, Object, Text, Whole, Word
from app.web.schema import Strict


class NewTouch(Strict):
    """A click or a view before a conversion."""

    id = Name(required=True, metadata={"description": "Its own id, once in a conversion."})
    partner = Name(required=True, metadata={"example": "acme", "description": "Whose advertisement it was."})
    type = Word(TOUCH_TYPES, required=True)
    at = InstantField(required=True)
    facts = Object(
        allow_none=True,
        metadata={
            "description": "What attribution rules may read of it, by name.",
            "example": {"touch.placement": "home-screen"},
        },
    )


class NewConversion(Strict):
    """A purchase, install or lead."""

    id = Name(required=True, metadata={"description": "The advertiser's own id; the same id again is the same event."})
    program = Identifier(required=True, metadata={"example": "cdnow", "description": "The program it belongs to."})
    event_at = InstantField(
        required=True, metadata={"description": "When it happened; this governs which terms apply."}
    )
    received_at = InstantField(allow_none=True, metadata={"description": "When you received it; now, when left out."})
    partner = Name(allow_none=True, metadata={"example": "acme", "description": "The partner that claims the credit."})
    facts = Object(
        required=True,
        metadata={
            "description": "What the rules may read, by name. Money is a string.",
            "example": {"order_id": "o1", "order_value": "100.00", "customer_id": "u1"},
        },
    )
    touches = fields.List(
        fields.Nested(NewTouch),
        allow_none=True,
        metadata={"maxItems": MAX_TOUCHES, "description": "Clicks and views before it, in any order."},
    )


class ReasonShown(Strict):
    """Why an outcome is what it is."""

    code = Text(metadata={"example": "MISSING_FACT"})
    rule = fields.String()
    fact = fields.String()
    expected = fields.String()
    actual = fields.String()


class CreditShown(Strict):
    """Who gets the credit, and which share of it."""

    partner = Name(metadata={"example": "acme"})
    share = fields.String(metadata={"example": "1"})


class TouchShown(Strict):
    """A click or a view before a conversion."""

    id = Name()
    partner = Name(metadata={"example": "acme"})
    type = Word(TOUCH_TYPES)
    at = InstantField()
    facts = Object()


class LineShown(Strict):
    """One amount: by which rule and formula, precise, and rounded as it is paid."""

    part = fields.String(metadata={"description": "Which of the rule's lines it is; left out for its own."})
    rule = fields.String(metadata={"example": "base"})
    formula = fields.String(metadata={"example": "percent"})
    amount_precise = DecimalString(metadata={"example": "5.9994"})
    amount = DecimalString(metadata={"example": "6.00"})
    currency = Text(metadata={"example": "USD"})


class DecisionSummary(Strict):
    """A decision in short."""

    id = Identifier(metadata={"example": "dec_5f1c7c2f0e6a4b9d8c3a2b1f"})
    partner = Name(allow_none=True, metadata={"example": "acme"})
    contract = Identifier(allow_none=True, metadata={"example": "acme"})
    outcome = Word(OUTCOMES)
    amount = DecimalString(metadata={"example": "6.00"})
    currency = Text(metadata={"example": "USD"})


class DecisionMade(Strict):
    """What the rules say of a conversion."""

    conversion = Name()
    contract = Identifier(allow_none=True)
    contract_version = Whole(1, 999_999_999, allow_none=True)
    rule_versions = Object(metadata={"description": "Id, number and hash of the rules that decided, by kind."})
    event_at = InstantField()
    outcome = Word(OUTCOMES)
    amount = DecimalString(metadata={"example": "6.00"})
    currency = Text(metadata={"example": "USD"})
    reasons = fields.List(fields.Nested(ReasonShown))
    credit = fields.List(fields.Nested(CreditShown))
    lines = fields.List(fields.Nested(LineShown))
    inputs_hash = fields.String(metadata={"description": "Hash of everything it depends on besides the terms."})
    digest = fields.String(metadata={"description": "Same inputs and terms, same digest; today and in five years."})


class DecisionShown(DecisionMade):
    """A stored decision."""

    id = Identifier(metadata={"example": "dec_5f1c7c2f0e6a4b9d8c3a2b1f"})
    program = Identifier(metadata={"example": "cdnow"})
    partner = Name(allow_none=True, metadata={"example": "acme", "description": "Whose decision it is."})
    as_of = InstantField(metadata={"description": "When it was made, and so what was known."})
    retired_at = InstantField(allow_none=True, metadata={"description": "When a later decision took its place."})


class DecisionExplained(DecisionShown):
    """A decision with its trace: every comparison with fact, value and verdict, and every calculation."""

    trace = Object(
        allow_none=True,
        metadata={
            "description": "Every comparison of every rule; for a rule that did not match also its nearest miss, "
            "the fewest comparisons that would have had to turn out otherwise. Null where no terms were in force."
        },
    )
    in_words = fields.List(fields.String(), metadata={"description": "The same as sentences."})


class DecisionOfPartner(DecisionMade):
    """A decision that was not kept, with its trace."""

    trace = Object(allow_none=True)
    in_words = fields.List(fields.String())


class DecisionPreviewed(DecisionOfPartner):
    """The decision that pays, or leads otherwise, and those for all partners that a conversion concerns."""

    decisions = fields.List(fields.Nested(DecisionOfPartner))


class ConversionReceived(Strict):
    """What became of a conversion that was sent."""

    status = Word(("accepted", "duplicate"))
    id = Name()
    program = Identifier(metadata={"example": "cdnow"})
    decision = fields.Nested(
        DecisionShown, allow_none=True, metadata={"description": "The one that pays, or leads otherwise."}
    )
    decisions = fields.List(
        fields.Nested(DecisionShown), metadata={"description": "One for each partner that it concerns."}
    )


class NotDecided(Strict):
    """Why there is no decision on a conversion."""

    code = Text(metadata={"example": "NOT_DECIDED"})
    message = Text()


class ConversionShown(Strict):
    """A conversion as it was received, and the decision on it."""

    id = Name()
    program = Identifier(metadata={"example": "cdnow"})
    event_at = InstantField()
    received_at = InstantField()
    partner = Name(allow_none=True, metadata={"example": "acme"})
    facts = Object()
    touches = fields.List(fields.Nested(TouchShown))
    decision = fields.Nested(
        DecisionSummary, allow_none=True, metadata={"description": "The one that pays, or leads otherwise."}
    )
    decisions = fields.List(
        fields.Nested(DecisionSummary), metadata={"description": "One for each partner that it concerns."}
    )
    reason = fields.Nested(NotDecided, metadata={"description": "Why there is no decision; only where there is none."})


class DecisionsQuery(LocalPageAsOf):
    """Whose decisions."""

    program = Identifier(required=True, metadata={"example": "cdnow", "description": "The program of the conversion."})
    conversion = Name(required=True, metadata={"description": "The id of the conversion."})
