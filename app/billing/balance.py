"""What is to be paid of a contract's postings: never less than nothing; what is below zero is carried forward. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.core.money import ZERO, plus, total
from app.core.rounding import shown
from app.store.models import Posting


@dataclass(frozen=True, slots=True)
class Balance:
    """What was left below zero before, what is to be paid now, and what is left below zero now."""

    brought_forward: Decimal
    to_pay: Decimal
    carried_forward: Decimal


@dataclass(frozen=True, slots=True)
class Carried:
    """An amount below zero that passed between two statements of a contract; to none yet, if no later one was posted."""

    amount: Decimal
    source: str | None
    target: str | None


def going_on_from(brought_forward: Decimal, amount: Decimal) -> Balance:
    """Return the balance after an amount was posted.

    >>> going_on_from(Decimal("-8"), Decimal("10")).to_pay, going_on_from(Decimal("0"), Decimal("-8")).carried_forward
    (Decimal('2'), Decimal('-8'))
    """
    after = plus(brought_forward, amount)
    return Balance(brought_forward, max(after, ZERO), min(after, ZERO))


@dataclass(frozen=True, slots=True)
class StatementBalance:
    """What the runs of one statement have to pay, and what came from other statements and went to others below zero."""

    to_pay: Decimal
    brought: tuple[Carried, ...]
    carried: tuple[Carried, ...]

    @property
    def brought_forward(self) -> Decimal:
        return total(each.amount for each in self.brought)

    @property
    def carried_forward(self) -> Decimal:
        return total(each.amount for each in self.carried)


def balance_of(statement: str, runs: Sequence[Posting]) -> StatementBalance:
    """Return the balance of a statement out of all runs of its contract in order. What passes between its own runs is
    nobody else's business."""
    brought, carried = [], []
    for place, run in enumerate(runs):
        later = runs[place + 1].statement_id if place + 1 < len(runs) else None
        if run.statement_id == later or not run.carried_forward:
            continue
        if run.statement_id == statement:
            carried.append(Carried(run.carried_forward, statement, later))
        elif later == statement:
            brought.append(Carried(run.carried_forward, run.statement_id, statement))
    to_pay = total(run.to_pay for run in runs if run.statement_id == statement)
    return StatementBalance(to_pay, tuple(brought), tuple(carried))


def balance_words(carried: Carried, currency: str, *, is_brought: bool) -> str:
    """Say what was carried: -8.00 USD brought forward from acme/1997-07, which was below zero."""
    amount = f"{shown(carried.amount, currency)} {currency}"
    if is_brought:
        return f"{amount} brought forward from {carried.source}, which ended below zero."
    where = "the next posting" if carried.target is None else carried.target
    return f"{amount} carried forward to {where}: less than nothing is never paid."
