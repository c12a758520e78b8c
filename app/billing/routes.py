"""Addresses of the billing room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.billing.describe import impact_data, line_data, statement_data
from app.billing.errors import StatementNotFound
from app.billing.operations.get_statement import get_statement
from app.billing.operations.preview_change import preview_rule_version, preview_version
from app.billing.repository import balances, lines_after, totals
from app.billing.schemas import (
    ImpactShown,
    StatementShown,
    StatementsQuery,
    StatementWithLines,
)
from app.contracts.errors import (
    BackdatingUndeclared,
    BaseChanged,
    OutsideContractVersion,
    PartOfBundle,
    RetirementRefused,
    SelfApproval,
    VersionRefused,
)
from app.contracts.routes import RULE_VERSION, SUBMISSION, VERSION
from app.core.as_of import read_as_of
from app.engine.matcher import EngineFault
from app.runtime import Context
from app.web.as_of import LocalPageAsOf
from app.web.blueprint import Answer, Room
from app.web.pagination import Page

routes = Room("billing", __name__, "Statements, and what a change would do to them.")


@routes.lists(
    "/statements",
    needs="read_own",
    query=StatementsQuery,
    shows=StatementShown,
    cursor=lambda row: (f"{row['contract']}/{row['period']}",),
)
def list_statements(
    ctx: Context, page: Page, as_of: datetime | None = None, **filters: str
) -> Sequence[dict[str, Any]]:
    """List statements with their totals, of one contract or period if wanted."""
    known_at = read_as_of(as_of, ctx.now())
    found = totals(ctx.session, after=page.after_id, limit=page.fetch, as_of=known_at, **filters)
    carried = balances(ctx.session, [row.statement for row in found], known_at)
    return [statement_data(row, carried[row.statement.id]) for row in found]


@routes.reads(
    "/statements/<identifier:contract>/<month:period>",
    needs="read_own",
    query=LocalPageAsOf,
    shows=StatementWithLines,
    refuses=(StatementNotFound,),
)
def show_statement(ctx: Context, page: Page, **asked: Any) -> Answer:
    """Show a statement and its lines in the order they were posted.

    The lines come in pages, the total is that of all of them. Each line names the decision that explains it. What is to
    be paid is the total and what was brought forward, less what is carried forward; `balance` says from where, and where to.
    """
    found = get_statement(ctx, **asked)
    statement = found.total.statement
    rows = lines_after(ctx.session, statement.id, page.after_number, page.fetch, found.as_of)
    lines, link = page.cut(rows, lambda line: (str(line.position),))
    shown = [line_data(line, statement.currency) for line in lines]
    carried = balances(ctx.session, [statement], found.as_of)[statement.id]
    return Answer({**statement_data(found.total, carried), "lines": shown}, headers=link)


IMPACTS = (
    *SUBMISSION,
    SelfApproval,
    BackdatingUndeclared,
    BaseChanged,
    VersionRefused,
    RetirementRefused,
    PartOfBundle,
    OutsideContractVersion,
    EngineFault,
)


@routes.reads(f"{VERSION}/impact", needs="preview", shows=ImpactShown, refuses=IMPACTS)
def show_impact(ctx: Context, contract: str, number: int) -> dict[str, Any]:
    """Show what approving a contract version would change, before anybody approves it.

    Which decisions come out differently, what they pay by rule before and after, and which posted statements would be
    corrected, to the cent. Of an approved version it shows what retiring it would change. The change is made and taken
    back: what would be refused then is refused here.
    """
    return impact_data(preview_version(ctx, contract=contract, number=number))


@routes.reads(f"{RULE_VERSION}/impact", needs="preview", shows=ImpactShown, refuses=IMPACTS)
def show_rules_impact(ctx: Context, **ids: Any) -> dict[str, Any]:
    """Show what approving a rule version would change, or of an approved one what retiring it would."""
    return impact_data(preview_rule_version(ctx, **ids))
