"""Bill a contract for a month: compute what should exist, subtract what is posted, post the difference."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from app.audit.record import record
from app.billing.balance import going_on_from
from app.billing.errors import PeriodRefused
from app.billing.repository import Difference, Waiting, add_lines, differences, last_run_of, runs_of, waiting
from app.contracts.linked_programs import lock_linked
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named
from app.conversions.operations.settle_program import Progress, settle_program
from app.core.errors import Finding
from app.core.ids import derived_id
from app.core.money import ZERO, minus, total
from app.core.period import month_from, parse_month
from app.core.rounding import shown
from app.runtime import Context
from app.store.models import BillingRun, Contract, Statement


@dataclass(frozen=True, slots=True)
class Billed:
    """What a run posted: nothing when everything was posted already."""

    run: BillingRun | None
    statement: Statement
    lines: int
    amount: Decimal
    corrections: int
    waiting: Waiting


def bill_contract(ctx: Context, *, contract: str, period: str, progress: Progress | None = None) -> Billed:
    """Post what is missing from the statement of a contract for a month (`YYYY-MM`, in the contract's zone).

    Running it again posts nothing. After a late conversion or a back-dated amendment it posts the difference as
    correction lines, each linked to the line it corrects. What the contract holds, or does not lock yet, waits. What is
    below zero then is carried forward.
    """
    row = contract_named(ctx.session, contract)
    lock_linked(ctx.session, [row.program_id])
    first = parse_month(period)
    if first is None:
        finding = Finding(
            "bad_period", f"a period is a month YYYY-MM; found {period!r}", "/period", 'such as "1997-07"'
        )
        raise PeriodRefused(f"{finding.message}.", [finding])
    settle_program(ctx, row.program_id, progress)
    statement = _statement(ctx, row, period)
    span = month_from(first, timezone_of(row))
    found = differences(ctx.session, contract, row.program_id, statement.id, span, ctx.now())
    left = waiting(ctx.session, contract, statement.id, span, ctx.now())
    if not found:
        return Billed(None, statement, 0, Decimal(0), 0, left)
    return _post(ctx, row, statement, found, left)


def _statement(ctx: Context, contract: Contract, period: str) -> Statement:
    statement = ctx.session.get(Statement, f"{contract.id}/{period}")
    if statement is None:
        statement = Statement(
            id=f"{contract.id}/{period}",
            contract_id=contract.id,
            period=period,
            currency=contract.currency,
            created_at=ctx.now(),
        )
        ctx.session.add(statement)
        record(ctx, "statement.opened", statement.id, f"Statement {statement.id} opened in {statement.currency}")
        ctx.session.flush()
    return statement


def _post(ctx: Context, contract: Contract, statement: Statement, found: list[Difference], left: Waiting) -> Billed:
    amount = total(minus(one.target, one.posted) for one in found)
    number = 1 + runs_of(ctx.session, statement.id)
    last = last_run_of(ctx.session, contract.id)
    balance = going_on_from(ZERO if last is None else last.carried_forward, amount)
    run = BillingRun(
        id=f"{statement.id}/{number}",
        statement_id=statement.id,
        number=number,
        posted_by=ctx.actor,
        posted_at=ctx.now(),
        lines=len(found),
        amount=amount,
        **asdict(balance),
    )
    ctx.session.add(run)
    ctx.session.flush()
    add_lines(ctx.session, [_line(statement, run, one) for one in found])
    corrections = sum(one.corrects is not None for one in found)
    summary = f"{statement.id}: {len(found)} lines posted, {shown(amount, contract.currency)} {contract.currency}"
    after = {"lines": len(found), "amount": shown(amount, contract.currency), "corrections": corrections}
    after |= {name: shown(value, contract.currency) for name, value in asdict(balance).items()}
    record(ctx, "billing_run.posted", run.id, summary, after=after)
    ctx.session.flush()
    return Billed(run, statement, len(found), amount, corrections, left)


def _line(statement: Statement, run: BillingRun, one: Difference) -> tuple[Any, ...]:
    """Return a line as a row, in the order of `repository.LINE_COLUMNS`."""
    return (
        # The difference that one decision makes to one line can be posted once only: a second id would be the same.
        derived_id("line", statement.id, one.conversion_id, one.rule, one.decision_id, *filter(None, [one.part])),
        statement.id,
        run.id,
        one.conversion_id,
        one.decision_id,
        one.event_at,
        one.rule,
        one.part,
        one.formula,
        minus(one.target_precise, one.posted_precise),
        minus(one.target, one.posted),
        one.corrects,
    )
