"""A statement as a whole, as it was known at an instant, for the forms that finance takes into its hands."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.billing.document import Document, DocumentLine
from app.billing.document_repository import explained_lines
from app.billing.operations.get_statement import get_statement
from app.billing.repository import balances
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named
from app.partners.repository import partner_named, program_named
from app.runtime import Context
from app.store.models import StatementLine


def get_document(ctx: Context, *, contract: str, period: str, as_of: str | datetime | None = None) -> Document:
    """Return a statement that was there by then, with all lines that were posted to it by then."""
    found = get_statement(ctx, contract=contract, period=period, as_of=as_of)
    statement, row = found.total.statement, contract_named(ctx.session, contract)
    program = program_named(ctx.session, row.program_id)
    partner = partner_named(ctx.session, row.partner_id)
    timezone = timezone_of(row)
    lines = [_line(line, more, timezone) for line, more in explained_lines(ctx.session, statement.id, found.as_of)]
    return Document(
        contract=contract,
        program=program.id,
        program_name=program.name,
        partner=partner.id,
        partner_name=partner.name,
        direction=row.direction,
        period=period,
        currency=statement.currency,
        timezone=row.timezone,
        balance=balances(ctx.session, [statement], found.as_of)[statement.id],
        lines=lines,
    )


def _line(line: StatementLine, more: Any, timezone: ZoneInfo) -> DocumentLine:
    accounting_period, posted_at, order, contract_version, rule_version = more
    return DocumentLine(
        id=line.id,
        posting=line.posting_id,
        accounting_period=accounting_period,
        posted_at=posted_at,
        conversion=line.conversion_id,
        order=order,
        delivered_on=line.delivered_on,
        event_at=line.event_at,
        local_date=line.delivered_on or line.event_at.astimezone(timezone).date(),
        rule=line.rule,
        part=line.part,
        formula=line.formula,
        amount_precise=line.amount_precise,
        amount=line.amount,
        corrects=line.corrects,
        decision=line.decision_id,
        contract_version=contract_version,
        rule_version=rule_version,
    )
