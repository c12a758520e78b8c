"""Post what a run proposes: asked for by another person than who opened it, done in one unit of work, exactly once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from app.audit.record import record
from app.billing.balance import going_on_from
from app.billing.errors import ControlsDiffer, RunElsewhere, RunOutdated, SelfPosting
from app.billing.operations.compute_run import Work, end
from app.billing.run_repository import (
    closed_up_to,
    give_up_proposed,
    last_posting_of,
    post_proposed,
    postings_count,
    proposed_statements,
    run_named,
)
from app.contracts.linked_programs import lock_linked
from app.contracts.repository import contract_named
from app.core.money import ZERO
from app.core.period import next_month, parse_month
from app.core.rounding import shown
from app.runtime import Context
from app.store.models import BillingRun, Contract, Posting, ProposedStatement, Statement


def ask_posting(ctx: Context, *, run: str) -> BillingRun:
    """Have a run posted that was looked at. Whoever opened it cannot."""
    found = run_named(ctx.session, run, lock=True)
    if found.opened_by == ctx.actor:
        raise SelfPosting(f"{ctx.actor} opened the run {run} and cannot post it; somebody else has to look at it.")
    if found.state != "ready":
        raise RunElsewhere(f"The run {run} is {found.state}; a run that is ready can be posted.")
    found.state, found.posted_by = "posting", ctx.actor
    record(ctx, "billing_run.post_asked", run, f"{ctx.actor} has looked at the run {run} and has it posted")
    ctx.session.flush()
    return found


def post_run(ctx: Context, *, run: str) -> BillingRun:
    """Post a run that somebody has asked to post. Where its statements were posted to meanwhile, it is outdated.

    What was looked at is posted, and nothing else: what has changed since is the next run's. Each posting is booked in the
    service month, or, where the books are closed, in the first month that is open.
    """
    program = run_named(ctx.session, run).program_id
    lock_linked(ctx.session, [program])
    found = run_named(ctx.session, run, lock=True)
    if found.state == "posted":
        return found
    if found.state != "posting" or found.posted_by is None:
        raise RunElsewhere(f"The run {run} is {found.state}; nobody has asked to post it.")
    closed = closed_up_to(ctx.session, program)
    statements = [each for each in proposed_statements(ctx.session, run) if found.contract_id or _has_any(each)]
    for proposed in statements:
        _post(ctx, found, proposed, closed)
    lines, accruals = post_proposed(ctx.session, run)
    wanted = (sum(each.lines for each in statements), sum(each.accruals for each in statements))
    if (lines, accruals) != wanted:
        raise ControlsDiffer(f"The run {run} proposes {wanted} lines and accruals, and {(lines, accruals)} were found.")
    give_up_proposed(ctx.session, run, with_headers=False)
    found.state, found.posted_at = "posted", ctx.now()
    summary = f"The run {run} posted {lines:,} lines and {accruals:,} accruals to {len(statements):,} statements"
    record(ctx, "billing_run.posted", run, summary, after={"lines": lines, "accruals": accruals})
    ctx.session.flush()
    return found


def post_or_fail(work: Work, run: str) -> str:
    """Post a run in a unit of work; one that is outdated, or does not tie out, fails instead. Return its state then."""
    try:
        with work() as ctx:
            return post_run(ctx, run=run).state
    except (RunOutdated, ControlsDiffer) as refusal:
        with work() as ctx:
            return end(ctx, run, "failed", ctx.actor, refusal).state


def _has_any(proposed: ProposedStatement) -> bool:
    return bool(proposed.lines or proposed.accruals)


def _post(ctx: Context, run: BillingRun, proposed: ProposedStatement, closed: str | None) -> None:
    contract = contract_named(ctx.session, proposed.contract_id)
    statement = _statement(ctx, contract, proposed.period)
    number = 1 + postings_count(ctx.session, statement.id)
    if number != 1 + proposed.after_postings:
        raise RunOutdated(
            f"{statement.id} was posted to since the run {run.id} was computed. Cancel it and open another.",
            statement=statement.id,
        )
    if not _has_any(proposed):
        return
    last = last_posting_of(ctx.session, contract.id)
    balance = going_on_from(ZERO if last is None else last.carried_forward, proposed.amount)
    posting = Posting(
        id=f"{statement.id}/{number}",
        statement_id=statement.id,
        run_id=run.id,
        number=number,
        accounting_period=accounting_period(proposed.period, closed),
        posted_by=run.posted_by or ctx.actor,
        posted_at=ctx.now(),
        lines=proposed.lines,
        amount=proposed.amount,
        **asdict(balance),
    )
    ctx.session.add(posting)
    ctx.session.flush()
    amount = shown(proposed.amount, contract.currency)
    summary = f"{statement.id}: {proposed.lines} lines posted, {amount} {contract.currency}"
    after = {"lines": proposed.lines, "amount": amount, "corrections": proposed.corrections}
    after |= {name: shown(value, contract.currency) for name, value in asdict(balance).items()}
    record(ctx, "statement.posted", posting.id, summary, after=after | {"accounting_period": posting.accounting_period})


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


def accounting_period(service: str, closed: str | None) -> str:
    """Return the month that something of a service month is booked in, when the books are closed up to another.

    >>> accounting_period("1997-07", None), accounting_period("1997-07", "1997-09"), accounting_period("1997-07", "1997-06")
    ('1997-07', '1997-10', '1997-07')
    """
    if closed is None or service > closed:
        return service
    first = parse_month(closed)
    assert isinstance(first, date), closed
    return next_month(first).isoformat()[:7]
