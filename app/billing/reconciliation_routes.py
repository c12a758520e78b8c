"""The address of reconciliations, and what it reads and shows."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.billing.errors import StatementNotFound
from app.billing.operations.reconcile_statement import reconcile_statement
from app.billing.partner_file import TheirRow
from app.billing.reconciliation import STATUSES, reconciliation_data
from app.core.money import ZERO
from app.runtime import Context
from app.web.blueprint import Room
from app.web.fields import DecimalString, Identifier, MonthPeriod, Name, Text, Whole, Word
from app.web.schema import Strict

routes = Room("reconciliations", __name__, "A partner's own figures beside ours.")


class PartnerRow(Strict):
    """What a partner expects for a conversion or an order."""

    id = Name(required=True)
    amount = DecimalString(required=True, metadata={"example": "8.00"})
    currency = Text(metadata={"example": "USD", "description": "The statement's, when left out."})


class NewReconciliation(Strict):
    """A partner's own figures for a statement."""

    rows = fields.List(
        fields.Nested(PartnerRow),
        required=True,
        validate=validate.Length(min=1),
        metadata={"description": "What the partner expects; a larger file is compared with `termline reconcile`."},
    )
    by = Word(("conversion", "order"), metadata={"description": "What `id` is the id of; a conversion, when left out."})
    tolerance = DecimalString(metadata={"example": "0.01", "description": "Differences up to this are not reported."})


class ReconciliationReason(Strict):
    """Why a row is as it is."""

    code = fields.String(metadata={"example": "ineligible"})
    in_words = fields.String(metadata={"example": "it is ineligible: NEW_CUSTOMERS_ONLY"})


class ComparedShown(Strict):
    """What came of an id."""

    status = Word(STATUSES)
    id = fields.String()
    row = Whole(1, 2**53, allow_none=True, metadata={"description": "Which row of theirs; null where it is only ours."})
    theirs = DecimalString(allow_none=True)
    ours = DecimalString(allow_none=True)
    difference = DecimalString(metadata={"description": "Theirs less ours."})
    reason = fields.Nested(ReconciliationReason, allow_none=True)


class ReconciliationShown(Strict):
    """A reconciliation. `difference` is the sum of `differences`; rows in another currency are in no total."""

    contract = Identifier()
    period = MonthPeriod()
    currency = Text(metadata={"example": "USD"})
    agrees = fields.Boolean()
    theirs = DecimalString()
    ours = DecimalString(metadata={"description": "The total of the statement."})
    difference = DecimalString(metadata={"description": "Theirs less ours."})
    counts = fields.Dict(metadata={"description": "How many there are of each status."})
    differences = fields.Dict(metadata={"description": "What each status adds to the difference."})
    rows = fields.List(fields.Nested(ComparedShown))


@routes.writes(
    "/statements/<identifier:contract>/<month:period>/reconciliations",
    needs="read",
    takes=NewReconciliation,
    shows=ReconciliationShown,
    refuses=(StatementNotFound,),
    once="needless",
)
def reconcile(ctx: Context, contract: str, period: str, rows: list[dict[str, Any]], **asked: Any) -> dict[str, Any]:
    """Compare a partner's own figures with a statement, id by id; nothing is stored.

    Each is equal, within the tolerance, different by so much, only theirs, with our reason for that, or only ours. The
    difference of the totals is exactly what is listed.
    """
    theirs = [
        TheirRow(number, row["id"], row["amount"], row.get("currency")) for number, row in enumerate(rows, start=1)
    ]
    tolerance = abs(asked.pop("tolerance", ZERO))
    return reconciliation_data(
        reconcile_statement(ctx, contract=contract, period=period, rows=theirs, tolerance=tolerance, **asked)
    )
