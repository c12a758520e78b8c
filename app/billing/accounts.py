"""The balances of the accounts that postings are booked on. The journal itself is a view of the database."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

ACCOUNTS = (
    "expenses:partners",
    "liabilities:accrued",
    "liabilities:payable",
    "assets:accrued",
    "assets:receivable",
    "income:partners",
)

_BALANCES = text(
    "SELECT accounting_period, currency, account, sum(debit - credit) FROM journal_legs GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)


def account_balances(session: Session) -> dict[tuple[str, str], dict[str, Decimal]]:
    """Return what was booked by accounting period and currency, by account, debits positive. Each adds up to zero."""
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    for period, currency, account, amount in session.execute(_BALANCES):
        found.setdefault((period, currency), {})[account] = amount
    return found
