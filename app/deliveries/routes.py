"""Addresses of the deliveries room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.contracts.errors import ContractNotFound
from app.contracts.repository import contract_named
from app.conversions.mapping import decision_data
from app.conversions.schemas import DecisionShown
from app.deliveries import errors
from app.deliveries.describe import adjustment_data, delivery_data, delivery_receipt_data, delivery_receipt_line
from app.deliveries.operations.adjust_deliveries import adjust_deliveries
from app.deliveries.operations.get_deliveries import (
    get_adjustments,
    get_day_decisions,
    get_deliveries,
    get_delivery,
)
from app.deliveries.operations.receive_deliveries import receive_deliveries, receive_delivery
from app.deliveries.schemas import (
    AdjustmentShown,
    AdjustmentsQuery,
    DayDecisionsQuery,
    DeliveriesQuery,
    DeliveryReceived,
    DeliveryShown,
    NewAdjustment,
    NewDelivery,
)
from app.engine.matcher import EngineFault
from app.runtime import Context
from app.web.as_of import AsOf
from app.web.blueprint import Answer, Room
from app.web.lines import Line, problems_of_lines
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("deliveries", __name__, "Impressions as they were counted, and what was agreed afterwards.")

EXAMPLE = {
    "contract": "acme",
    "delivered_on": "1997-07-02",
    "placement": "home-top",
    "source": "adserver",
    "revision": 1,
    "facts": {"impressions": 48210, "viewable": 41877},
}


def add_deliveries(ctx: Context, lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """Take many deliveries in: each line is accepted, known already, or refused by itself."""
    receipts = receive_deliveries(ctx, [line.data for line in lines])
    problems = problems_of_lines(receipt.problem for receipt in receipts)
    for line, receipt, problem in zip(lines, receipts, problems, strict=True):
        yield delivery_receipt_line(line.number, receipt, problem)


@routes.writes(
    "/deliveries",
    needs="convert",
    takes=NewDelivery,
    whole="body",
    shows=DeliveryReceived,
    status=201,
    answers={200: DeliveryReceived},
    refuses=(errors.DeliveryRefused, errors.DeliveryDiffers, ContractNotFound, EngineFault),
    location="/v1/deliveries/{id}",
    or_lines=add_deliveries,
    example=EXAMPLE,
    leads_to=Leads("show_delivery", delivery="/id"),
)
def add_delivery(ctx: Context, body: Any) -> Answer:
    """Send what a source counted on a day, or many counts as NDJSON, and get the decision on the day.

    A higher revision replaces what the source counted of that placement on that day; it never adds to it. The same
    revision again is answered 200; with other content 409. A lower revision than is known is kept and changes nothing.

    Many as `application/x-ndjson`, one a line: the answer has one line for each,
    `{"line", "status": "accepted" | "superseded" | "duplicate" | "refused", "id", "contract", "decision"?, "problem"?}`.
    """
    receipt = receive_delivery(ctx, body)
    return Answer(delivery_receipt_data(receipt), status=200 if receipt.status == "duplicate" else 201)


@routes.lists(
    "/deliveries",
    needs="read_own",
    query=DeliveriesQuery,
    shows=DeliveryShown,
    cursor=lambda row: (row["delivered_on"], row["placement"], row["source"], str(row["revision"])),
    refuses=(ContractNotFound,),
)
def list_deliveries(ctx: Context, page: Page, **asked: Any) -> Sequence[dict[str, Any]]:
    """List a contract's deliveries, every revision, by day, placement and source."""
    return [delivery_data(found) for found in get_deliveries(ctx, after=page.after, limit=page.fetch, **asked)]


@routes.reads(
    "/deliveries/<identifier:delivery>",
    needs="read_own",
    query=AsOf,
    shows=DeliveryShown,
    refuses=(errors.DeliveryNotFound,),
)
def show_delivery(ctx: Context, **asked: Any) -> dict[str, Any]:
    """Show a delivery as it was received, and whether a higher revision has taken its place."""
    return delivery_data(get_delivery(ctx, **asked))


@routes.writes(
    "/delivery-adjustments",
    needs="convert",
    takes=NewAdjustment,
    shows=AdjustmentShown,
    status=201,
    answers={200: AdjustmentShown},
    refuses=(errors.AdjustmentRefused, errors.AdjustmentDiffers, ContractNotFound, EngineFault),
    leads_to=Leads("show_contract", contract="/contract"),
)
def add_adjustment(ctx: Context, **body: Any) -> Answer:
    """Book a make-good or a credit for an earlier day.

    A make-good takes up to so many of a placement's impressions on a day out of what is paid at the rules, and pays them
    at a price of its own, or not at all. A credit is money back. Each is a line of its own on its day, with a reason and
    the day that it repairs. The same id again is answered 200; with other content 409.
    """
    booked, is_new = adjust_deliveries(ctx, **body)
    currency = contract_named(ctx.session, booked.contract_id).currency
    return Answer(adjustment_data(booked, currency), status=201 if is_new else 200)


@routes.lists(
    "/delivery-adjustments",
    needs="read_own",
    query=AdjustmentsQuery,
    shows=AdjustmentShown,
    cursor=lambda row: (row["id"],),
    refuses=(ContractNotFound,),
)
def list_adjustments(ctx: Context, page: Page, contract: str, as_of: str | None = None) -> Sequence[dict[str, Any]]:
    """List a contract's make-goods and credits."""
    rows = get_adjustments(ctx, contract=contract, as_of=as_of)
    currency = contract_named(ctx.session, contract).currency
    return [adjustment_data(row, currency) for row in page.rest_of(rows, lambda row: row.id)]


@routes.lists(
    "/delivery-decisions",
    needs="read_own",
    query=DayDecisionsQuery,
    shows=DecisionShown,
    cursor=lambda row: (row["id"],),
    refuses=(ContractNotFound,),
)
def list_day_decisions(ctx: Context, page: Page, **asked: Any) -> Sequence[dict[str, Any]]:
    """List all decisions on a day's deliveries under a contract, the newest first; only that one is not retired."""
    rows, known_at = get_day_decisions(ctx, **asked)
    return [decision_data(row, known_at) for row in page.rest_of(rows, lambda row: row.id)]
