"""What addresses of billing runs read and show. What they show is built by `describe_run.py`; here it is documented."""

from __future__ import annotations

from marshmallow import fields

from app.billing.schemas import WaitingShown
from app.store.models.billing import ENGINES, KINDS, STATES
from app.web.fields import (
    DecimalString,
    Identifier,
    InstantField,
    LocalDate,
    MonthPeriod,
    Name,
    Object,
    Text,
    Whole,
    Word,
)
from app.web.pagination import PageQuery
from app.web.schema import Strict


class NewBillingRun(Strict):
    """What to bill: one contract, or all contracts of a program."""

    one_of = ("contract", "program")
    contract = Identifier(metadata={"description": "The contract to bill; without it a program."})
    program = Identifier(metadata={"description": "The program to bill, with all its contracts."})
    period = MonthPeriod(required=True, metadata={"description": "The service month, in each contract's zone."})
    engine = Word(
        ENGINES,
        metadata={
            "description": "What decides conversions that wait for a decision: one by one, or all of the program in bulk. "
            "Without it, what the server is set to (TERMLINE_BILLING_ENGINE)."
        },
    )


class BillingRunsQuery(PageQuery):
    """Which runs."""

    program = Identifier(metadata={"description": "Over this program only, or contracts of it."})
    contract = Identifier(metadata={"description": "Over this contract only."})
    period = MonthPeriod(metadata={"description": "Of this month only."})
    state = Word(STATES, metadata={"description": "In this state only."})


class BillingRunBrief(Strict):
    """A run, and who did what with it when."""

    id = Identifier(metadata={"example": "run_5f1c7c2f0e6a4b9d8c3a2b1f"})
    position = Whole(1, 2**53, metadata={"description": "Its place in the order in which runs were opened."})
    kind = Word(KINDS)
    program = Identifier()
    contract = Identifier(allow_none=True, metadata={"description": "Null: all contracts of the program."})
    period = MonthPeriod()
    state = Word(STATES)
    reverses = Identifier(allow_none=True, metadata={"description": "The run whose postings it takes back."})
    engine = Word(ENGINES, metadata={"description": "What was to settle conversions that wait for a decision."})
    settled_by = Word(ENGINES, allow_none=True, metadata={"description": "What settled them; null: none waited yet."})
    settled_because = Text(allow_none=True, metadata={"description": "Why that was not the engine that was wanted."})
    opened_by = Text()
    opened_at = InstantField()
    computed_at = InstantField(allow_none=True, metadata={"description": "What was known then is what it proposes."})
    posted_by = Text(allow_none=True, metadata={"description": "Who had it posted: never who opened it."})
    posted_at = InstantField(allow_none=True)
    ended_by = Text(allow_none=True, metadata={"description": "Who cancelled it."})
    ended_at = InstantField(allow_none=True)


class RunProgress(Strict):
    """How far a run is."""

    stage = Text(metadata={"example": "comparing"})
    done = Whole(0, 2**53)
    total = Whole(0, 2**53, allow_none=True)


class PostingMade(Strict):
    """Where a posting is booked, and what is to be paid of it."""

    id = fields.String(metadata={"example": "acme/1997-07/1"})
    accounting_period = MonthPeriod(
        metadata={"description": "The first month, from its own on, whose books were open."}
    )
    brought_forward = DecimalString(metadata={"example": "-8.00", "description": "Left below zero before; or 0."})
    to_pay = DecimalString(metadata={"example": "0.00", "description": "Never below zero."})
    carried_forward = DecimalString(metadata={"example": "0.00", "description": "Left below zero for later; or 0."})


class ProposedStatementShown(Strict):
    """What a run would post to one statement, or has posted."""

    contract = Identifier()
    period = MonthPeriod()
    lines = Whole(0, 2**53)
    corrections = Whole(0, 2**53, metadata={"description": "How many of the lines correct earlier ones."})
    amount = DecimalString(metadata={"example": "8.00"})
    accrued = DecimalString(
        metadata={"example": "0.00", "description": "Added to what is accrued, for what cannot be posted yet."}
    )
    currency = Text(metadata={"example": "USD"})
    waiting = fields.Nested(WaitingShown)
    posting = fields.Nested(PostingMade, allow_none=True, metadata={"description": "Null until it is posted."})


class RunFault(Strict):
    """Why a run failed."""

    code = Text()
    detail = fields.String()


class BillingRunShown(BillingRunBrief):
    """A run, how far it is, and what it proposes or has posted."""

    progress = fields.Nested(RunProgress)
    controls = Object(
        allow_none=True,
        metadata={"description": "What came in and what goes out, each counted by a query of its own; they tie out."},
    )
    fault = fields.Nested(RunFault, allow_none=True)
    statements = fields.List(fields.Nested(ProposedStatementShown))
    next = fields.String(metadata={"description": "What can be done with it now."})


class ProposedLineShown(Strict):
    """A line, a correction or an accrual that a run would post."""

    id = fields.String()
    place = Whole(1, 2**53, metadata={"description": "Its place among the lines of the run."})
    kind = Word(("line", "correction", "accrual"))
    statement = fields.String(metadata={"example": "acme/1997-07"})
    conversion = Name(allow_none=True)
    delivered_on = LocalDate(metadata={"description": "The local day of the deliveries; left out for a conversion."})
    decision = Identifier(metadata={"example": "dec_5f1c7c2f0e6a4b9d8c3a2b1f"})
    event_at = InstantField()
    rule = fields.String(metadata={"example": "base"})
    part = fields.String(metadata={"description": "Which of the rule's lines it is; left out for its own."})
    formula = fields.String(metadata={"example": "percent"})
    amount_precise = DecimalString(metadata={"example": "7.9992"})
    amount = DecimalString(metadata={"example": "8.00"})
    currency = Text(metadata={"example": "USD"})
    corrects = fields.String(allow_none=True, metadata={"description": "The line whose amount it changes."})


class Closing(Strict):
    """A month that the books were closed up to."""

    period = MonthPeriod()
    closed_by = Text()
    closed_at = InstantField()


class ClosingsShown(Strict):
    """Up to which month the books of a program are closed."""

    program = Identifier()
    closed_up_to = MonthPeriod(allow_none=True)
    first_open = MonthPeriod(allow_none=True, metadata={"description": "Null: every month is open."})
    closings = fields.List(fields.Nested(Closing))
