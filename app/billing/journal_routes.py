"""The address of the journal, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import fields

from app.billing.journal import entry_data
from app.billing.operations.get_journal import get_journal
from app.runtime import Context
from app.web.as_of import PageAsOf
from app.web.blueprint import Room
from app.web.fields import DecimalString, Identifier, InstantField, LocalDate, MonthPeriod, Name, Text, Whole, Word
from app.web.pagination import Page
from app.web.schema import Strict

ACCOUNTS = (
    *("expenses:partners", "liabilities:payable", "liabilities:accrued"),
    *("assets:receivable", "assets:accrued", "income:partners"),
)

routes = Room("journal", __name__, "Everything that was posted, in double entry.")


class JournalQuery(PageAsOf):
    """Which entries."""

    program = Identifier(metadata={"description": "Of this program only."})
    contract = Identifier(metadata={"description": "Of this contract only."})
    accounting_period = MonthPeriod(metadata={"description": "Booked in this month only."})


class JournalLegShown(Strict):
    """What an entry books on an account."""

    account = Word(ACCOUNTS)
    debit = DecimalString(metadata={"example": "8.00"})
    credit = DecimalString(metadata={"example": "0.00"})


class JournalEntryShown(Strict):
    """A statement line or an accrual as it is booked: two legs that balance, and everything it comes from."""

    place = fields.String(metadata={"example": "12.1.345", "description": "Where it stands in the journal."})
    line = fields.String()
    kind = Word(("payable", "correction", "reversal", "accrual"))
    statement = fields.String(metadata={"example": "acme/1997-07"})
    service_period = MonthPeriod()
    accounting_period = MonthPeriod(metadata={"description": "The month it is booked in."})
    posting = fields.String(metadata={"example": "acme/1997-07/1"})
    posted_at = InstantField()
    program = Identifier()
    partner = Identifier()
    contract = Identifier()
    contract_version = Whole(1, 999_999_999, allow_none=True)
    rule_version = fields.String(allow_none=True, metadata={"example": "acme/1/payout/1"})
    rule = fields.String(metadata={"example": "base"})
    part = fields.String(metadata={"description": "Which of the rule's lines it is; left out for its own."})
    decision = Identifier(metadata={"example": "dec_5f1c7c2f0e6a4b9d8c3a2b1f"})
    conversion = Name(allow_none=True)
    delivered_on = LocalDate(metadata={"description": "The local day of the deliveries; left out for a conversion."})
    event_at = InstantField()
    corrects = fields.String(allow_none=True, metadata={"description": "The line whose amount this one changes."})
    currency = Text(metadata={"example": "USD"})
    legs = fields.List(fields.Nested(JournalLegShown))


@routes.lists(
    "/journal",
    needs="read",
    query=JournalQuery,
    shows=JournalEntryShown,
    cursor=lambda row: (row["place"],),
)
def list_journal(ctx: Context, page: Page, **asked: Any) -> Sequence[dict[str, Any]]:
    """List what was booked, in the order it was: each entry with two legs that balance.

    What is paid to a partner is an expense and a liability, what a partner pays an asset and an income. What is rated and
    cannot be posted yet is accrued, and its accrual is taken back when it becomes a line.
    """
    entries = get_journal(ctx, after=_place(page), limit=page.fetch, **asked)
    return [entry_data(entry) for entry in entries]


def _place(page: Page) -> Sequence[int] | None:
    """Return where the page before ended. What is no place of ours is the beginning."""
    parts = (page.after_id or "").split(".")
    is_ours = len(parts) == 3 and all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts)
    return [int(part) for part in parts] if is_ours else None
