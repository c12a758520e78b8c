"""What the conversions room reads and shows. Conversions are read by `envelope.py`; here they are documented."""

from __future__ import annotations

from marshmallow import fields

from app.conversions.life import STATES
from app.engine.settlement import FX_DATES
from app.store.models.conversions import OUTCOMES, REVERSAL_FORMS, REVERSAL_MODES, TOUCH_TYPES
from app.web.as_of import LocalPageAsOf
from app.web.fields import (
    DecimalString,
    Flag,
    Identifier,
    InstantField,
    LocalDate,
    Name,
    Object,
    Reason,
    Text,
    Whole,
    Word,
)
from app.web.schema import Strict


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
        Object(),
        allow_none=True,
        metadata={"maxItems": 0, "description": "Clicks and views before it. None are attributed by this release yet."},
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


class FxShown(Strict):
    """At which rate money was converted, or for which it waits."""

    source_currency = Text(data_key="from", metadata={"example": "EUR"})
    target_currency = Text(data_key="to", metadata={"example": "USD"})
    rate = DecimalString(metadata={"example": "1.0883", "description": "Left out where it is not known yet."})
    date = LocalDate(metadata={"description": "The day it is of; left out where the contract agrees the rate."})
    policy = Word(FX_DATES, metadata={"description": "Which day's rate counts by the contract."})
    source = Text(metadata={"example": "ECB", "description": "Who published it."})


class LineShown(Strict):
    """One amount: by which rule and formula, precise, and rounded as it is paid."""

    part = fields.String(metadata={"description": "Which of the rule's lines it is; left out for its own."})
    rule = fields.String(metadata={"example": "base"})
    formula = fields.String(metadata={"example": "percent"})
    amount_precise = DecimalString(metadata={"example": "5.9994"})
    amount = DecimalString(metadata={"example": "6.00"})
    currency = Text(metadata={"example": "USD"})
    fx = fields.Nested(FxShown, metadata={"description": "Where the order is in another currency."})


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
    fx = fields.Nested(
        FxShown, metadata={"description": "Where the order is in another currency, and the terms read its money."}
    )
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


class PostingShown(Strict):
    """Money of a conversion on a statement."""

    statement = fields.String(metadata={"example": "acme/1997-07"})
    run = fields.String(metadata={"example": "acme/1997-07/1"})
    posted_at = InstantField()
    amount = DecimalString(metadata={"example": "8.00"})


class LifeShown(Strict):
    """Where a conversion is in its life under one contract, and the dates that lead on from there."""

    state = Word(STATES)
    held_until = InstantField(allow_none=True, metadata={"description": "From when on it may be paid."})
    locks_at = InstantField(allow_none=True, metadata={"description": "From when on what it pays is final."})
    postings = fields.List(fields.Nested(PostingShown))
    in_words = fields.List(fields.String(), metadata={"description": "The dates and why they are those."})


class DecisionExplained(DecisionShown):
    """A decision with its trace: every comparison with fact, value and verdict, and every calculation."""

    trace = Object(
        allow_none=True,
        metadata={
            "description": "Every comparison of every rule; for a rule that did not match also its nearest miss, "
            "the fewest comparisons that would have had to turn out otherwise. Null where no terms were in force."
        },
    )
    life = fields.Nested(
        LifeShown, allow_none=True, metadata={"description": "Null where another decision took its place."}
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


class NewCorrection(Strict):
    """The facts of a conversion as they are from now on, and why."""

    facts = Object(
        required=True,
        metadata={
            "description": "All of its facts: one that is left out is absent from now on.",
            "example": {"order_id": "o1", "order_value": "80.00", "customer_id": "u1"},
        },
    )
    reason = Reason(required=True, metadata={"example": "Net of a voucher", "description": "Why."})


class ConversionCorrected(Strict):
    """What a correction came to."""

    status = Word(("corrected", "unchanged"))
    id = Name()
    program = Identifier(metadata={"example": "cdnow"})
    number = Whole(0, 2**31, metadata={"description": "Which correction its facts are from; 0: as they were sent."})
    decision = fields.Nested(
        DecisionShown, allow_none=True, metadata={"description": "The one that pays, or leads otherwise."}
    )
    decisions = fields.List(
        fields.Nested(DecisionShown), metadata={"description": "One for each partner that it concerns."}
    )


class FactChangeShown(Strict):
    """A fact before and after a correction; null where there is none."""

    fact = Text(metadata={"example": "order_value"})
    before = fields.Raw(allow_none=True, metadata={"example": "100.00"})
    after = fields.Raw(allow_none=True, metadata={"example": "80.00"})


class CorrectionShown(Strict):
    """A correction: who said what else, when and why."""

    number = Whole(1, 2**31)
    recorded_at = InstantField()
    corrected_by = Text(metadata={"example": "key:billing"})
    reason = Text(metadata={"example": "Net of a voucher"})
    changes = fields.List(fields.Nested(FactChangeShown))


class DecisionInLife(DecisionSummary):
    """A decision in short, and the life that the conversion has under it."""

    life = fields.Nested(LifeShown)


class ConversionShown(Strict):
    """A conversion with its facts, and the decisions on it."""

    id = Name()
    program = Identifier(metadata={"example": "cdnow"})
    event_at = InstantField()
    received_at = InstantField()
    partner = Name(allow_none=True, metadata={"example": "acme"})
    state = Word(STATES, metadata={"description": "Where it is under the decision that leads."})
    facts = Object()
    corrections = fields.List(fields.Nested(CorrectionShown))
    touches = fields.List(fields.Nested(TouchShown))
    decision = fields.Nested(
        DecisionInLife, allow_none=True, metadata={"description": "The one that pays, or leads otherwise."}
    )
    decisions = fields.List(
        fields.Nested(DecisionInLife), metadata={"description": "One for each partner that it concerns."}
    )
    reason = fields.Nested(NotDecided, metadata={"description": "Why there is no decision; only where there is none."})


class ArticleReturned(Strict):
    """Pieces of one article that came back."""

    sku = Text(required=True, metadata={"example": "CD-4711"})
    quantity = Whole(1, 2**53, required=True)


class NewReversal(Strict):
    """What came back of a conversion: all that is left, an amount of the order value, or articles of it."""

    id = Name(
        required=True, metadata={"example": "return-17", "description": "Your own id; the same again is the same."}
    )
    reason = Reason(
        required=True, metadata={"example": "RETURN", "description": "Why it came back, such as RETURN or FRAUD."}
    )
    reversed_at = InstantField(metadata={"description": "When it came back; now, when left out."})
    full = Flag(metadata={"description": "True: all that is left came back."})
    amount = DecimalString(
        metadata={"description": "So much of the order value; beside items, what was paid back for them."}
    )
    currency = Text(metadata={"example": "USD", "description": "That of the order; anything else is refused."})
    items = fields.List(fields.Nested(ArticleReturned), metadata={"description": "These articles, at their prices."})


class ReversalShown(Strict):
    """A reversal as it was recorded."""

    id = Name(metadata={"example": "return-17"})
    conversion = Name()
    program = Identifier(metadata={"example": "cdnow"})
    number = Whole(1, 2**31, metadata={"description": "Which reversal of its conversion it is."})
    reversed_at = InstantField()
    reason = Reason(metadata={"example": "RETURN"})
    form = Word(REVERSAL_FORMS)
    mode = Word(
        REVERSAL_MODES,
        metadata={
            "description": "Before the lock the conversion is decided again with what is left (restate); after it, its"
            " lines get negative ones (negate)."
        },
    )
    amount = DecimalString(metadata={"description": "How much of the order value came back by it."})
    left = DecimalString(metadata={"description": "How much of the order value was left after it."})
    leaves_nothing = fields.Boolean()
    items = fields.List(fields.Nested(ArticleReturned))
    recorded_at = InstantField()


class ReversalReceived(ReversalShown):
    """What became of a reversal that was sent, and the decisions after it."""

    status = Word(("accepted", "duplicate"))
    decisions = fields.List(fields.Nested(DecisionShown))


class DecisionsQuery(LocalPageAsOf):
    """Whose decisions."""

    program = Identifier(required=True, metadata={"example": "cdnow", "description": "The program of the conversion."})
    conversion = Name(required=True, metadata={"description": "The id of the conversion."})
