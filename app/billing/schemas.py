"""What the billing room reads and shows. What it shows is built by `describe.py`; here it is documented."""

from __future__ import annotations

from marshmallow import fields

from app.web.as_of import PageAsOf
from app.web.fields import DecimalString, Identifier, InstantField, MonthPeriod, Name, Text, Whole
from app.web.schema import Strict


class NewBillingRun(Strict):
    """What to bill."""

    contract = Identifier(required=True, metadata={"description": "The contract to bill."})
    period = MonthPeriod(required=True, metadata={"description": "The service month, in the contract's zone."})


class BillingRunShown(Strict):
    """What a run posted: nothing when everything was posted already."""

    statement = fields.String(metadata={"example": "acme/1997-07"})
    run = fields.String(
        allow_none=True, metadata={"example": "acme/1997-07/1", "description": "Null: nothing to post."}
    )
    lines = Whole(0, 2**53)
    corrections = Whole(0, 2**53, metadata={"description": "How many of the lines correct earlier ones."})
    amount = DecimalString(metadata={"example": "8.00"})
    currency = Text(metadata={"example": "USD"})


class StatementShown(Strict):
    """A statement's header. Its total is the sum of its rounded lines."""

    contract = Identifier()
    period = MonthPeriod()
    currency = Text(metadata={"example": "USD"})
    total = DecimalString(metadata={"example": "8.00"})
    line_count = Whole(0, 2**53)
    created_at = InstantField()


class StatementLineShown(Strict):
    """Money: a conversion × rule."""

    id = fields.String()
    conversion = Name()
    decision = Identifier(metadata={"example": "dec_5f1c7c2f0e6a4b9d8c3a2b1f"})
    event_at = InstantField()
    rule = fields.String(metadata={"example": "base"})
    formula = fields.String(metadata={"example": "percent"})
    amount_precise = DecimalString(metadata={"example": "7.9992"})
    amount = DecimalString(metadata={"example": "8.00"})
    run = fields.String(metadata={"example": "acme/1997-07/1"})
    corrects = fields.String(allow_none=True, metadata={"description": "The line whose amount this one changes."})


class StatementWithLines(StatementShown):
    """A statement and a page of its lines."""

    lines = fields.List(fields.Nested(StatementLineShown))


class StatementsQuery(PageAsOf):
    """Which statements."""

    contract = Identifier(metadata={"description": "Of this contract only."})
    period = MonthPeriod(metadata={"description": "Of this month only."})
