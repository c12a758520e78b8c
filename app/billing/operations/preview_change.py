"""Price a change before it is approved: which decisions it changes, what that costs per rule, and which statements it
corrects, to the cent.

The change really happens, by the operations that would make it, and is taken back: there is no second way to calculate it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from app.billing.differences import missing_lines
from app.billing.repository import totals
from app.contracts.linked_programs import lock_linked
from app.contracts.mapping import timezone_of
from app.contracts.operations.rehearse_change import Rehearsed, rehearse_rule_version, rehearse_version
from app.contracts.repository import contract_named
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import DecisionChange, changes_at
from app.core.money import ZERO, plus, total
from app.core.period import month_from, parse_month
from app.runtime import Context
from app.store.models import Contract

LATER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StatementChange:
    """A statement that was posted to, and what its total would be after it was billed again."""

    period: str
    posted: Decimal
    now: Decimal
    then: Decimal


@dataclass(slots=True)
class Impact:
    """What a change touches: decisions that come out differently, money by rule before and after, and statements."""

    contract: Contract
    subject: str
    what: Rehearsed
    decisions: list[DecisionChange] = field(default_factory=list)
    looked_at: int = 0
    statements: list[StatementChange] = field(default_factory=list)

    @property
    def by_rule(self) -> dict[str, tuple[Decimal, Decimal]]:
        """What the changed decisions pay by rule, before and after."""
        found: dict[str, tuple[Decimal, Decimal]] = {}
        for change in self.decisions:
            for place, record in enumerate((change.before, change.after)):
                for line in record["lines"] if record else ():
                    sums = list(found.get(line["rule"], (ZERO, ZERO)))
                    sums[place] = plus(sums[place], Decimal(line["amount"]))
                    found[line["rule"]] = (sums[0], sums[1])
        return dict(sorted(found.items()))


def preview_version(ctx: Context, *, contract: str, number: int) -> Impact:
    """Return what approving a contract version would change, or, of an approved one, what retiring it would."""

    def rehearse(then: Context) -> Rehearsed:
        return rehearse_version(then, contract=contract, number=number)

    return _preview(ctx, contract, f"{contract}/{number}", rehearse)


def preview_rule_version(ctx: Context, *, contract: str, number: int, kind: str, rule_number: int) -> Impact:
    """Return the same of a rule version."""

    def rehearse(then: Context) -> Rehearsed:
        return rehearse_rule_version(then, contract=contract, number=number, kind=kind, rule_number=rule_number)

    return _preview(ctx, contract, f"{contract}/{number}/{kind}/{rule_number}", rehearse)


def _preview(ctx: Context, contract: str, subject: str, rehearse: Callable[[Context], Rehearsed]) -> Impact:
    row = contract_named(ctx.session, contract, lock=True)
    lock_linked(ctx.session, [row.program_id], joining=row)
    settle_program(ctx, row.program_id)
    before = _outstanding(ctx, row)
    # An instant later, so that what it retires can be told from what was retired just now.
    then = ctx.at(ctx.now() + LATER)
    savepoint = ctx.session.begin_nested()
    try:
        impact = Impact(row, subject, rehearse(then))
        impact.looked_at = settle_program(then, row.program_id).looked_at
        impact.decisions = changes_at(ctx.session, row.program_id, then.now())
        after = _outstanding(ctx, row)
    finally:
        savepoint.rollback()
        ctx.session.expire_all()
    for period, (posted, missing) in before.items():
        now, later = plus(posted, missing), plus(posted, after[period][1])
        if now != later:
            impact.statements.append(StatementChange(period, posted, now, later))
    return impact


def _outstanding(ctx: Context, contract: Contract) -> dict[str, tuple[Decimal, Decimal]]:
    """Return what each statement of a contract has posted, and what billing it again would add."""
    found = {}
    for one in totals(ctx.session, contract=contract.id):
        first = parse_month(one.statement.period)
        assert first is not None  # checked when it was billed
        span = month_from(first, timezone_of(contract))
        missing = missing_lines(ctx.session, contract.id, contract.program_id, one.statement.id, span, ctx.now())
        found[one.statement.period] = (one.amount, total(each.amount for each in missing))
    return found
