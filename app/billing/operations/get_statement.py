"""Look up a statement as it was known at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.billing.repository import Total, statement_of, totals
from app.contracts.mapping import timezone_of
from app.core.as_of import read_as_of
from app.core.instants import zone
from app.runtime import Context
from app.store.models import Contract


@dataclass(frozen=True, slots=True)
class StatementAt:
    """A statement with the total of what was posted to it by `as_of`."""

    total: Total
    as_of: datetime


def get_statement(ctx: Context, *, contract: str, period: str, as_of: str | datetime | None = None) -> StatementAt:
    """Return a statement that was there by then; a date is local to its contract."""
    row = ctx.session.get(Contract, contract)
    # Where there is no contract, a date is read all the same: the answer is that there is no statement.
    known_at = read_as_of(as_of, ctx.now(), zone("UTC") if row is None else timezone_of(row))
    statement_of(ctx.session, contract, period, known_at)
    (total,) = totals(ctx.session, contract=contract, period=period, as_of=known_at)
    return StatementAt(total, known_at)
