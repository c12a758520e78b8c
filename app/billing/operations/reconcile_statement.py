"""Hold a partner's own figures against a statement, and say of everything that differs why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from app.billing.operations.get_statement import get_statement
from app.billing.partner_file import TheirRow
from app.billing.reconciliation import Reconciliation, Why, compared, explained
from app.billing.reconciliation_repository import By, Fate, amounts_of, fates_of, posted_elsewhere
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named
from app.core.instants import write_instant
from app.core.money import ZERO
from app.core.rounding import shown
from app.runtime import Context
from app.store.models import Contract

UNKNOWN = Why("unknown", "no conversion of the program has this id")


def reconcile_statement(
    ctx: Context,
    *,
    contract: str,
    period: str,
    rows: Iterable[TheirRow],
    by: By = "conversion",
    tolerance: Decimal = ZERO,
) -> Reconciliation:
    """Compare rows with what is posted, as it stands now. Nothing is changed."""
    statement = get_statement(ctx, contract=contract, period=period).total.statement
    row = contract_named(ctx.session, contract)
    found = compared(rows, amounts_of(ctx.session, row, statement.id, by), statement.currency, tolerance)
    missing = [one.id for one in found if one.status == "only_theirs"]
    reasons = _reasons(ctx, row, period, missing, by) if missing else {}
    return Reconciliation(contract, period, statement.currency, explained(found, reasons))


def _reasons(ctx: Context, contract: Contract, period: str, keys: Sequence[str], by: By) -> Mapping[str, Why]:
    fates: dict[str, list[Fate]] = {}
    for fate in fates_of(ctx.session, contract, keys, by):
        fates.setdefault(fate.key, []).append(fate)
    conversions = sorted({fate.conversion for many in fates.values() for fate in many})
    elsewhere = posted_elsewhere(ctx.session, contract, f"{contract.id}/{period}", conversions)
    return {key: _why(ctx.now(), contract, period, fates.get(key, ()), elsewhere) for key in keys}


def _why(
    now: datetime, contract: Contract, period: str, fates: Sequence[Fate], elsewhere: Mapping[str, tuple[str, Decimal]]
) -> Why:
    """Return why there is nothing of ours: what the contract's own decision says goes before what others' say."""
    for fate in fates:
        if fate.conversion in elsewhere:
            statement, amount = elsewhere[fate.conversion]
            return Why("other_period", f"it is on {statement}: {shown(amount, contract.currency)} {contract.currency}")
    mine = [fate for fate in fates if fate.contract == contract.id]
    others = [fate for fate in fates if fate.contract != contract.id and fate.outcome == "rated"]
    if mine:
        return _own(now, contract, period, mine[0], others)
    if others:
        return _of_other(others[0])
    return _undecided(fates[0]) if fates else UNKNOWN


def _own(now: datetime, contract: Contract, period: str, fate: Fate, others: Sequence[Fate]) -> Why:
    codes = ", ".join(fate.codes)
    if fate.duplicate_of is not None:
        return Why("duplicate", f"its order is counted as {fate.duplicate_of} already")
    if fate.outcome == "ineligible":
        return Why("ineligible", f"it is ineligible: {codes}")
    if fate.outcome == "held":
        return Why("held", f"it is held: {codes}")
    if fate.outcome != "rated":
        return _of_other(others[0]) if others else _undecided(fate)
    local = fate.event_at.astimezone(timezone_of(contract)).strftime("%Y-%m")
    if local != period:
        return Why("other_period", f"it happened in {local}, and is not posted yet")
    if fate.due_at is not None and fate.due_at > now:
        return Why("waiting", f"it is held or not final until {write_instant(fate.due_at)}")
    if not fate.amount:
        return Why("pays_nothing", "it is rated, and pays nothing")
    return Why("not_billed", "it is rated, and not billed yet")


def _of_other(fate: Fate) -> Why:
    return Why("other_partner", f"the partner {fate.partner} is credited with it, under {fate.contract}")


def _undecided(fate: Fate) -> Why:
    if fate.outcome is None:
        return Why("not_decided", "it is not decided yet")
    said = f": {', '.join(fate.codes)}" if fate.codes else ""
    return Why(fate.outcome, f"it is {fate.outcome.replace('_', ' ')}{said}")
