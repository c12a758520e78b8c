"""Bill in one go: open, compute and post a run in one unit of work, for two people who both want it, as stories do."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.billing.errors import ControlsDiffer
from app.billing.operations.compute_run import Report, begin, propose, unreported
from app.billing.operations.open_run import open_run
from app.billing.operations.post_run import ask_posting, post_run
from app.billing.run_repository import postings_of_run, proposed_statements
from app.core.money import total
from app.runtime import Context
from app.store.models import BillingRun, Posting, ProposedStatement


@dataclass(frozen=True, slots=True)
class Billed:
    """What a run posted: nothing when everything was posted already."""

    run: BillingRun
    statements: tuple[ProposedStatement, ...]
    postings: tuple[Posting, ...]

    @property
    def lines(self) -> int:
        return sum(each.lines for each in self.statements)

    @property
    def corrections(self) -> int:
        return sum(each.corrections for each in self.statements)

    @property
    def amount(self) -> Decimal:
        return total(each.amount for each in self.statements)


def bill_at_once(
    ctx: Context,
    *,
    period: str,
    poster: str,
    contract: str | None = None,
    program: str | None = None,
    report: Report = unreported,
) -> Billed:
    """Bill a contract or a program for a month; `poster` posts it. Running it again posts nothing."""
    run = open_run(ctx, period=period, contract=contract, program=program)
    begin(ctx, run.id)
    propose(ctx, run.id, report)
    other = ctx.acting_as(poster)
    ask_posting(other, run=run.id)
    posted = post_run(other, run=run.id)
    if posted.state != "posted":
        raise ControlsDiffer(f"The run {run.id} was not posted; it is {posted.state}.")
    statements = tuple(proposed_statements(ctx.session, run.id))
    return Billed(posted, statements, tuple(posting for posting, _ in postings_of_run(ctx.session, run.id)))
