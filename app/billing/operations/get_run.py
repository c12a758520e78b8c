"""Everything that is shown of a run: how far it is, what it proposes, and what it posted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from app.billing.run_repository import postings_of_run, progress_of, proposed_statements
from app.contracts.repository import contract_named
from app.runtime import Context
from app.store.models import BillingRun, BillingRunProgress, Posting, ProposedStatement


def parts_of(
    ctx: Context, run: BillingRun
) -> tuple[BillingRunProgress, Sequence[tuple[ProposedStatement, str]], Mapping[str, Posting]]:
    """Return a run's progress, its proposed statements with their currencies, and its postings by statement."""
    found = proposed_statements(ctx.session, run.id)
    currency_of = currencies(ctx, {each.contract_id for each in found})
    postings = {statement.id: posting for posting, statement in postings_of_run(ctx.session, run.id)}
    return progress_of(ctx.session, run.id), [(each, currency_of[each.contract_id]) for each in found], postings


def currencies(ctx: Context, contracts: Collection[str]) -> dict[str, str]:
    """Return the currency of each contract."""
    return {contract: contract_named(ctx.session, contract).currency for contract in contracts}
