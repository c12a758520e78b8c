"""What the billing room reads and shows. What it shows is built by `describe.py`; here it is documented."""

from __future__ import annotations

from marshmallow import fields

from app.web.as_of import PageAsOf
from app.web.fields import DecimalString, Identifier, InstantField, LocalDate, MonthPeriod, Name, Text, Whole, Word
from app.web.schema import Strict


class WaitingShown(Strict):
    """What of the month cannot be posted yet, because its terms hold it or do not lock it yet."""

    conversions = Whole(0, 2**53)
    amount = DecimalString(metadata={"example": "8.00"})
    until = InstantField(allow_none=True, metadata={"description": "When the first of them can."})


class BalanceLineShown(Strict):
    """An amount below zero that passed from one statement of a contract to the next one that was posted."""

    kind = Word(("brought_forward", "carried_forward"))
    # The name is a keyword.
    source = fields.String(data_key="from", metadata={"example": "acme/1997-07"})
    to = fields.String(allow_none=True, metadata={"description": "Null as long as nothing was posted after it."})
    amount = DecimalString(metadata={"example": "-8.00"})
    in_words = fields.String()


class StatementShown(Strict):
    """A statement's header. Its total is the sum of its rounded lines."""

    contract = Identifier()
    period = MonthPeriod()
    currency = Text(metadata={"example": "USD"})
    total = DecimalString(metadata={"example": "8.00"})
    brought_forward = DecimalString(metadata={"example": "-8.00", "description": "Left below zero before; or 0."})
    to_pay = DecimalString(metadata={"example": "0.00", "description": "Never below zero."})
    carried_forward = DecimalString(metadata={"example": "0.00", "description": "Left below zero for later; or 0."})
    balance = fields.List(fields.Nested(BalanceLineShown), metadata={"description": "What was carried, line by line."})
    line_count = Whole(0, 2**53)
    created_at = InstantField()


class StatementLineShown(Strict):
    """Money: a conversion × rule, or a rule over all placements on a day of deliveries."""

    id = fields.String()
    conversion = Name(allow_none=True)
    delivered_on = LocalDate(metadata={"description": "The local day of the deliveries; left out for a conversion."})
    decision = Identifier(metadata={"example": "dec_5f1c7c2f0e6a4b9d8c3a2b1f"})
    event_at = InstantField()
    rule = fields.String(metadata={"example": "base"})
    part = fields.String(metadata={"description": "Which of the rule's lines it is; left out for its own."})
    formula = fields.String(metadata={"example": "percent"})
    amount_precise = DecimalString(metadata={"example": "7.9992"})
    amount = DecimalString(metadata={"example": "8.00"})
    posting = fields.String(metadata={"example": "acme/1997-07/1", "description": "What posted it."})
    corrects = fields.String(allow_none=True, metadata={"description": "The line whose amount this one changes."})


class StatementWithLines(StatementShown):
    """A statement and a page of its lines."""

    lines = fields.List(fields.Nested(StatementLineShown))


class StatementsQuery(PageAsOf):
    """Which statements."""

    contract = Identifier(metadata={"description": "Of this contract only."})
    period = MonthPeriod(metadata={"description": "Of this month only."})


class MoneyBeforeAndAfter(Strict):
    """What a rule pays now, and would."""

    rule = fields.String(metadata={"example": "base"})
    before = DecimalString(metadata={"example": "8.00"})
    after = DecimalString(metadata={"example": "9.00"})
    difference = DecimalString(metadata={"example": "1.00"})


class StatementChangeShown(Strict):
    """A statement that was posted to, and what billing it again would come to."""

    period = MonthPeriod()
    posted = DecimalString(metadata={"example": "8.00", "description": "What is posted."})
    now = DecimalString(metadata={"example": "8.00", "description": "Its total if it were billed now."})
    then = DecimalString(metadata={"example": "9.00", "description": "Its total if it were billed after the change."})
    difference = DecimalString(metadata={"example": "1.00"})


class OutcomeShown(Strict):
    """What a decision says, in brief."""

    outcome = fields.String(metadata={"example": "rated"})
    contract_version = Whole(1, 999_999_999, allow_none=True)
    rules = fields.List(fields.String())
    reasons = fields.List(fields.String())
    amount = DecimalString(metadata={"example": "8.00"})


class DecisionChangeShown(Strict):
    """A decision that the change would take the place of."""

    conversion = Name(allow_none=True)
    delivered_on = LocalDate(metadata={"description": "The local day of the deliveries; left out for a conversion."})
    event_at = InstantField()
    decision = Identifier(metadata={"example": "dec_5f1c7c2f0e6a4b9d8c3a2b1f"})
    before = fields.Nested(OutcomeShown)
    after = fields.Nested(OutcomeShown)
    difference = DecimalString(metadata={"example": "1.00"})


class ImpactShown(Strict):
    """What a change would touch, to the cent."""

    subject = fields.String(metadata={"example": "acme/2"})
    change = Word(("approve", "retire"), metadata={"description": "Of an approved version: what retiring it would do."})
    currency = Text(metadata={"example": "USD"})
    conversions_decided_again = Whole(0, 2**53)
    decisions_changed = Whole(0, 2**53)
    before = DecimalString(metadata={"description": "What the changed decisions pay now, all together."})
    after = DecimalString(metadata={"description": "What they would pay."})
    difference = DecimalString(metadata={"example": "1.00"})
    by_rule = fields.List(fields.Nested(MoneyBeforeAndAfter))
    statements = fields.List(fields.Nested(StatementChangeShown))
    decisions = fields.List(
        fields.Nested(DecisionChangeShown), metadata={"description": "In canonical order; the first 1,000."}
    )
