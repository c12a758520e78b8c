"""Open a billing run: say what is to be billed. A worker computes it; nothing is posted by that."""

from __future__ import annotations

from app.audit.record import record
from app.billing.errors import PeriodRefused, RunOpenAlready
from app.billing.run_repository import add_run, open_run_beside, run_named, runs_opened
from app.bulk.choice import SettlingEngine
from app.contracts.repository import contract_named
from app.core.errors import Finding
from app.core.ids import derived_id
from app.core.period import parse_month
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import BillingRun


def open_run(
    ctx: Context,
    *,
    period: str,
    program: str | None = None,
    contract: str | None = None,
    engine: SettlingEngine | None = None,
) -> BillingRun:
    """Open a run for a service month (`YYYY-MM`) of one contract, or of all contracts of a program.

    What is billed by one open run is not billed by another beside it. Conversions that wait for a decision are settled by
    the engine, or by the one that runs are set to.
    """
    if (program is None) == (contract is None):
        raise _refused("either a program or a contract is billed; found both or neither", "", "name one of them")
    if parse_month(period) is None:
        raise _refused(f"a period is a month YYYY-MM; found {period!r}", "/period", 'such as "1997-07"')
    if contract is None:
        assert program is not None
        program_id = program_named(ctx.session, program).id
    else:
        program_id = contract_named(ctx.session, contract).program_id
    return opened(ctx, program_id, contract, period, engine=engine)


def opened(
    ctx: Context,
    program: str,
    contract: str | None,
    period: str,
    reverses: str | None = None,
    engine: SettlingEngine | None = None,
) -> BillingRun:
    """Return a new run, queued; refuse it where an open one bills some of the same."""
    beside = open_run_beside(ctx.session, program, contract, period)
    number = 1 + runs_opened(ctx.session, program, contract, period)
    run_id = derived_id("run", program, contract or "", period, str(number))
    is_new = beside is None and add_run(
        ctx.session,
        id=run_id,
        kind="bill" if reverses is None else "reversal",
        program_id=program,
        contract_id=contract,
        period=period,
        reverses=reverses,
        opened_by=ctx.actor,
        opened_at=ctx.now(),
        engine=engine or ctx.settling.runs,
    )
    if not is_new:
        other = beside or open_run_beside(ctx.session, program, contract, period)
        named = f"the run {other.id}, {other.state}" if other else "a run"
        raise RunOpenAlready(
            f"{contract or program} is billed for {period} by {named} already. Post or cancel that one first.",
            run=other.id if other else None,
        )
    run = run_named(ctx.session, run_id)
    what = f"{contract or program} for {period}" if reverses is None else f"what {reverses} posted"
    summary = f"A run over {what} opened" if reverses is None else f"A run that takes back {what} opened"
    record(
        ctx, "billing_run.opened", run.id, summary, after={"program": program, "contract": contract, "period": period}
    )
    return run


def _refused(message: str, pointer: str, hint: str) -> PeriodRefused:
    finding = Finding("bad_period", message, pointer, hint)
    return PeriodRefused(f"{finding.message}.", [finding])
