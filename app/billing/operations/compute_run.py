"""Compute a billing run: settle what it bills, subtract what is posted, propose the difference, and count everything twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast

from app.audit.record import record
from app.billing.controls import tie_out
from app.billing.differences import Difference, mirrored, missing_accruals, missing_lines
from app.billing.errors import ControlsDiffer, RunElsewhere, RunStopped
from app.billing.repository import Waiting, waiting
from app.billing.run_repository import (
    add_proposed,
    give_up_proposed,
    note_settled,
    postings_count,
    postings_of_run,
    run_named,
)
from app.bulk.choice import SettlingEngine
from app.contracts.linked_programs import lock_linked
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named, contracts_of_program
from app.conversions.operations.settle_program import settle_program
from app.core.errors import AppError
from app.core.ids import derived_id
from app.core.money import ZERO, total
from app.core.period import month_from, parse_month
from app.core.rounding import shown
from app.runtime import Context
from app.store.models import BillingRun, Contract, ProposedStatement

Report = Callable[[str, int, int | None], None]
"""Is told the stage a run is in, how much of it is done, and of how much; may raise RunStopped."""


Work = Callable[[], AbstractContextManager[Context]]
"""Gives a unit of work."""


def unreported(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def compute_run(work: Work, run: str, report: Report = unreported) -> str:
    """Compute a run that is queued, in units of work that can be begun again wherever a worker died; return its state then.

    What cannot be proposed, because a control total differs, fails the run; one that is asked to stop is cancelled. A run
    that was computed meanwhile by somebody else is left as it is.
    """
    with work() as ctx:
        found = begin(ctx, run)
        if found.state != "computing":
            return found.state
        program, engine = found.program_id, found.engine
    try:
        report("settling", 0, None)
        with work() as ctx:
            settled = settle_program(
                ctx, program, lambda looked_at: report("settling", looked_at, None), cast(SettlingEngine, engine)
            )
            note_settled(ctx.session, run, settled.engine, settled.because)
        with work() as ctx:
            return propose(ctx, run, report).state
    except RunStopped as stopped:
        with work() as ctx:
            return end(ctx, run, "cancelled", str(stopped.details["by"])).state
    except AppError as refusal:
        if refusal.kind in ("fault", "unavailable"):
            raise
        with work() as ctx:
            return end(ctx, run, "failed", ctx.actor, refusal).state


def begin(ctx: Context, run: str) -> BillingRun:
    """Take a run up: queued, or left by a worker that died."""
    found = run_named(ctx.session, run, lock=True)
    if found.state == "queued":
        found.state = "computing"
    return found


def propose(ctx: Context, run: str, report: Report = unreported) -> BillingRun:
    """Propose what a run should post, as known at this instant, and count it twice; it is ready to be looked at then."""
    found = run_named(ctx.session, run)
    lock_linked(ctx.session, [found.program_id])
    found = run_named(ctx.session, run, lock=True)
    if found.state != "computing":
        return found
    settle_program(ctx, found.program_id)
    give_up_proposed(ctx.session, run, with_headers=True)
    contracts = _contracts(ctx, found)
    statements = list(_taken_back(ctx, found) if found.kind == "reversal" else _billed(ctx, found, contracts, report))
    place = 0
    for statement in statements:
        ctx.session.add(_header(found, statement))
        add_proposed(ctx.session, _rows(found, statement, place))
        place += len(statement.lines) + len(statement.accruals)
    ctx.session.flush()
    found.controls = tie_out(ctx, found, contracts)
    found.computed_at, found.state = ctx.now(), "ready"
    amounts = [f"{shown(amount, currency)} {currency}" for currency, amount in _amounts(statements).items()]
    summary = f"The run {run} proposes {place:,} lines and accruals: {', '.join(amounts) or 'nothing'}"
    record(ctx, "billing_run.computed", run, summary, after=found.controls)
    ctx.session.flush()
    return found


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a run proposes for one statement."""

    contract: Contract
    period: str
    lines: Sequence[Difference]
    accruals: Sequence[Difference]
    left: Waiting
    after_postings: int

    @property
    def statement_id(self) -> str:
        return f"{self.contract.id}/{self.period}"


def _contracts(ctx: Context, run: BillingRun) -> list[Contract]:
    if run.contract_id is not None:
        return [contract_named(ctx.session, run.contract_id)]
    return list(contracts_of_program(ctx.session, run.program_id))


def _billed(ctx: Context, run: BillingRun, contracts: Sequence[Contract], report: Report) -> Iterator[Proposed]:
    """Yield what each contract of a run is missing for its month: of a program, those that have anything."""
    first = parse_month(run.period)
    assert first is not None, run.period
    for place, contract in enumerate(contracts):
        report("comparing", place, len(contracts))
        statement, span = f"{contract.id}/{run.period}", month_from(first, timezone_of(contract))
        given = (ctx.session, contract.id, run.program_id, statement, span, ctx.now())
        lines, accruals = missing_lines(*given), missing_accruals(*given)
        left = waiting(ctx.session, contract.id, statement, span, ctx.now())
        if run.contract_id or lines or accruals or left.decisions:
            yield Proposed(contract, run.period, lines, accruals, left, postings_count(ctx.session, statement))
    report("comparing", len(contracts), len(contracts))


def _taken_back(ctx: Context, run: BillingRun) -> Iterator[Proposed]:
    """Yield the mirror of everything that the run which is taken back has posted."""
    assert run.reverses is not None
    for posting, statement in postings_of_run(ctx.session, run.reverses):
        contract = contract_named(ctx.session, statement.contract_id)
        lines, accruals = (mirrored(ctx.session, posting.id, accruals=which) for which in (False, True))
        after = postings_count(ctx.session, statement.id)
        yield Proposed(contract, statement.period, lines, accruals, Waiting(0, ZERO, None), after)


def _header(run: BillingRun, statement: Proposed) -> ProposedStatement:
    return ProposedStatement(
        run_id=run.id,
        contract_id=statement.contract.id,
        period=statement.period,
        after_postings=statement.after_postings,
        lines=len(statement.lines),
        corrections=sum(line.corrects is not None for line in statement.lines),
        amount=total(line.amount for line in statement.lines),
        accruals=len(statement.accruals),
        accrued=total(line.amount for line in statement.accruals),
        waiting=statement.left.decisions,
        waiting_amount=statement.left.amount,
        waiting_until=statement.left.until,
    )


def _rows(run: BillingRun, statement: Proposed, place: int) -> Iterator[tuple[Any, ...]]:
    """Yield lines and accruals as rows, in the order of `run_repository.PROPOSED`."""
    both = [(line, False) for line in statement.lines] + [(line, True) for line in statement.accruals]
    for number, (line, is_accrual) in enumerate(both, start=place):
        # No conversion is named like the deliveries of a day: a name is printable.
        subject = line.conversion_id if line.conversion_id is not None else f"\t{line.delivered_on}"
        parts = (statement.statement_id, subject, line.rule, line.part, str(line.earlier))
        yield (
            run.id,
            number,
            # Two runs that want to post the same difference name its line alike, and only one of them can.
            derived_id("accrual" if is_accrual else "line", *parts),
            is_accrual,
            statement.statement_id,
            line.conversion_id,
            line.delivered_on,
            line.decision_id,
            line.event_at,
            line.rule,
            line.part,
            line.formula,
            line.precise,
            line.amount,
            None if is_accrual else line.corrects,
        )


def _amounts(statements: Sequence[Proposed]) -> dict[str, Any]:
    currencies = sorted({statement.contract.currency for statement in statements})
    return {
        currency: total(line.amount for each in statements if each.contract.currency == currency for line in each.lines)
        for currency in currencies
    }


def end(ctx: Context, run: str, state: str, by: str, because: AppError | None = None) -> BillingRun:
    """Give a run up: cancelled, or failed for a reason. What it proposed is forgotten."""
    found = run_named(ctx.session, run, lock=True)
    if found.state in ("posted", "cancelled", "failed"):
        raise RunElsewhere(f"The run {run} is {found.state}; it is over.")
    if because is not None:
        found.fault = {"code": because.code, "detail": because.message}
    found.state, found.ended_by, found.ended_at = state, by, ctx.now()
    give_up_proposed(ctx.session, run, with_headers=not isinstance(because, ControlsDiffer))
    reason = None if because is None else because.message
    record(ctx, f"billing_run.{state}", run, f"The run {run} is {state}", reason=reason)
    ctx.session.flush()
    return found
