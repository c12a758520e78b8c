"""Addresses of the billing room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.billing.describe import billed_data, line_data, statement_data
from app.billing.errors import PeriodRefused, StatementNotFound
from app.billing.operations.bill_contract import bill_contract
from app.billing.repository import lines_after, statement_of, totals
from app.billing.schemas import (
    BillingRunShown,
    NewBillingRun,
    StatementShown,
    StatementsQuery,
    StatementWithLines,
)
from app.contracts.errors import ContractNotFound
from app.engine.matcher import EngineFault
from app.runtime import Context
from app.web.blueprint import Answer, Room
from app.web.operation_doc import Leads
from app.web.pagination import Page, PageQuery

routes = Room("billing", __name__, "Billing runs and statements.")


@routes.writes(
    "/billing-runs",
    needs="bill",
    takes=NewBillingRun,
    shows=BillingRunShown,
    status=201,
    refuses=(ContractNotFound, PeriodRefused, EngineFault),
    location="/v1/statements/{statement}",
    once="required",
    leads_to=Leads("show_statement", contract="body.contract", period="body.period"),
)
def add_billing_run(ctx: Context, contract: str, period: str) -> dict[str, Any]:
    """Bill a contract for a month.

    Computes what should exist, subtracts what is posted and posts the difference. Running it again posts nothing. A
    late conversion or a back-dated amendment becomes correction lines, each linked to the line it corrects.
    """
    return billed_data(bill_contract(ctx, contract=contract, period=period))


@routes.lists(
    "/statements",
    needs="read",
    query=StatementsQuery,
    shows=StatementShown,
    cursor=lambda row: (f"{row['contract']}/{row['period']}",),
)
def list_statements(ctx: Context, page: Page, **filters: str) -> Sequence[dict[str, Any]]:
    """List statements with their totals, of one contract or period if wanted."""
    return [statement_data(row) for row in totals(ctx.session, after=page.after_id, limit=page.fetch, **filters)]


@routes.reads(
    "/statements/<identifier:contract>/<month:period>",
    needs="read",
    query=PageQuery,
    shows=StatementWithLines,
    refuses=(StatementNotFound,),
)
def show_statement(ctx: Context, contract: str, period: str, page: Page) -> Answer:
    """Show a statement and its lines in the order they were posted.

    The lines come in pages, the total is that of all of them. Each line names the decision that explains it.
    """
    statement = statement_of(ctx.session, contract, period)
    (header,) = totals(ctx.session, contract=contract, period=period)
    rows = lines_after(ctx.session, statement.id, page.after_number, page.fetch)
    lines, link = page.cut(rows, lambda line: (str(line.position),))
    shown = [line_data(line, statement.currency) for line in lines]
    return Answer({**statement_data(header), "lines": shown}, headers=link)
