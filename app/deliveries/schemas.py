"""What the deliveries room reads and shows. Deliveries are read by `envelope.py`; here they are documented."""

from __future__ import annotations

from marshmallow import fields

from app.conversions.schemas import DecisionSummary
from app.deliveries.envelope import MAX_REVISION
from app.store.models.deliveries import ADJUSTMENT_KINDS
from app.web.as_of import LocalPageAsOf
from app.web.fields import DecimalString, Identifier, InstantField, LocalDate, Name, Object, Reason, Text, Whole, Word
from app.web.schema import Strict

DAY = {"example": "2019-11-24", "description": "The day, in the contract's time zone."}


class NewDelivery(Strict):
    """What one source counted of one placement on one day."""

    contract = Identifier(required=True, metadata={"description": "The contract under which they are paid for."})
    delivered_on = LocalDate(required=True, metadata=DAY)
    placement = Name(required=True, metadata={"example": "home-top", "description": "Where they were shown."})
    source = Name(required=True, metadata={"example": "adserver", "description": "Who counted them."})
    revision = Whole(
        1,
        MAX_REVISION,
        metadata={"description": "1, when left out. A higher one replaces the count, never adds to it."},
    )
    facts = Object(
        required=True,
        metadata={
            "description": "What was counted, and what payouts on deliveries may read, by name; `impressions` is needed.",
            "example": {"impressions": 48210, "viewable": 41877, "country": "US"},
        },
    )


class DayDecided(DecisionSummary):
    """The decision on the deliveries of a day, in short."""

    delivered_on = LocalDate(metadata=DAY)


class DeliveryReceived(Strict):
    """What became of a delivery that was sent."""

    status = Word(
        ("accepted", "superseded", "duplicate"),
        metadata={"description": "Superseded: kept, but a higher revision was known already."},
    )
    id = fields.String(metadata={"example": "dlv_5f1c7c2f0e6a4b9d8c3a2b1f"})
    contract = Identifier()
    decision = fields.Nested(DayDecided, allow_none=True, metadata={"description": "The decision on its day."})


class DeliveryShown(Strict):
    """A delivery as it was received."""

    id = fields.String(metadata={"example": "dlv_5f1c7c2f0e6a4b9d8c3a2b1f"})
    contract = Identifier()
    delivered_on = LocalDate(metadata=DAY)
    placement = Name(metadata={"example": "home-top"})
    source = Name(metadata={"example": "adserver"})
    revision = Whole(1, MAX_REVISION)
    facts = Object()
    recorded_at = InstantField()
    replaced_by = Whole(1, MAX_REVISION, allow_none=True, metadata={"description": "The highest revision after it."})


class DeliveriesQuery(LocalPageAsOf):
    """Which deliveries."""

    contract = Identifier(required=True, metadata={"description": "Of this contract."})
    delivered_on = LocalDate(metadata={"description": "Of this local day only."})
    placement = Name(metadata={"example": "home-top", "description": "Of this placement only."})


class NewAdjustment(Strict):
    """What puts an earlier day right."""

    id = Identifier(required=True, metadata={"example": "mg-1", "description": "Your own id; it names the line."})
    contract = Identifier(required=True, metadata={"description": "The contract whose deliveries it puts right."})
    kind = Word(
        ADJUSTMENT_KINDS,
        required=True,
        metadata={"description": "`make_good`: impressions at a price of their own, or none. `credit`: money back."},
    )
    delivered_on = LocalDate(required=True, metadata={"description": "The local day on which it is booked."})
    repairs_on = LocalDate(required=True, metadata={"description": "The day that it repairs."})
    placement = Name(metadata={"example": "home-top", "description": "Where a make-good is shown."})
    impressions = DecimalString(metadata={"example": "50000", "description": "Of a make-good: how many at most."})
    cpm = DecimalString(metadata={"example": "0", "description": "Of a make-good: its price; none, when left out."})
    amount = DecimalString(metadata={"example": "120.00", "description": "Of a credit: the money back."})
    reason = Reason(required=True, metadata={"description": "Why. It stands in the audit trail."})


class AdjustmentShown(Strict):
    """An adjustment as it was booked."""

    id = Identifier(metadata={"example": "mg-1"})
    contract = Identifier()
    kind = Word(ADJUSTMENT_KINDS)
    delivered_on = LocalDate(metadata=DAY)
    repairs_on = LocalDate(metadata=DAY)
    placement = Name(allow_none=True, metadata={"example": "home-top"})
    impressions = DecimalString(metadata={"example": "50000"})
    cpm = DecimalString(metadata={"example": "0"})
    amount = DecimalString(metadata={"example": "120.00"})
    reason = Text()
    recorded_at = InstantField()


class AdjustmentsQuery(LocalPageAsOf):
    """Which adjustments."""

    contract = Identifier(required=True, metadata={"description": "Of this contract."})


class DayDecisionsQuery(AdjustmentsQuery):
    """The decisions on which day."""

    delivered_on = LocalDate(required=True, metadata=DAY)
