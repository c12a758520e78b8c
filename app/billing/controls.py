"""Control totals: what came in and what goes out of a run, each counted by a query of its own. Where they differ, the run
fails and says which of them, and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app.billing.errors import ControlsDiffer
from app.billing.run_repository import proposed_statements, proposed_sums
from app.contracts.mapping import timezone_of
from app.core.errors import Finding
from app.core.instants import zone
from app.core.money import ZERO, canonical, plus
from app.core.period import Period, month_from, parse_month
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import BillingRun, Contract, ProposedStatement

_RECEIVED = text(
    "SELECT count(*) FROM conversions WHERE program_id = :program AND event_at >= :start AND event_at < :end"
)
_DECIDED = text(
    "SELECT count(DISTINCT conversion_id) FROM decisions WHERE program_id = :program AND retired_at IS NULL"
    " AND conversion_id IS NOT NULL AND event_at >= :start AND event_at < :end"
)
# By outcome; money by the column of decisions, and not by their lines, which is what was proposed from.
_OUTCOMES = text(
    "SELECT outcome, count(*), sum(amount) FROM decisions WHERE contract_id = :contract AND retired_at IS NULL"
    " AND event_at >= :start AND event_at < :end GROUP BY outcome ORDER BY outcome"
)
_POSTED = text("SELECT sum(amount) FROM statement_lines WHERE statement_id = :statement")
_ACCRUED = text("SELECT sum(amount) FROM accrual_lines WHERE statement_id = :statement")
# A contract that a run proposes nothing for.
_NOTHING = ProposedStatement(amount=ZERO, accrued=ZERO, waiting_amount=ZERO)


def tie_out(ctx: Context, run: BillingRun, contracts: Sequence[Contract]) -> dict[str, Any]:
    """Return the control totals of what a run proposes, or refuse where they do not tie out.

    Conversions in = conversions decided; money decided = posted before + proposed + waiting; money waiting = accrued before
    + accrued now; each statement's header = the sum of its lines. A reversal ties out by its headers and its mirror alone.
    """
    differing: list[Finding] = []
    sums, headers = proposed_sums(ctx.session, run.id), proposed_statements(ctx.session, run.id)
    for header in headers:
        again = sums.get(f"{header.contract_id}/{header.period}", (0, 0, ZERO, ZERO))
        if again != (header.lines, header.accruals, header.amount, header.accrued):
            differing.append(
                _differs(header.contract_id, "the header", header.amount, "the sum of its lines", again[2])
            )
    controls: dict[str, Any] = {
        "lines": sum(header.lines for header in headers),
        "accruals": sum(header.accruals for header in headers),
    }
    if run.kind == "bill":
        controls |= _of_bill(ctx, run, contracts, differing)
    if differing:
        raise ControlsDiffer(
            f"The run {run.id} does not tie out: {differing[0].message}. Nothing is posted; see its controls.",
            differing,
        )
    return controls


def _of_bill(ctx: Context, run: BillingRun, contracts: Iterable[Contract], differing: list[Finding]) -> dict[str, Any]:
    first = parse_month(run.period)
    assert first is not None, run.period
    program_zone = zone(program_named(ctx.session, run.program_id).timezone)
    assert program_zone is not None
    whole = {"program": run.program_id, **_span(month_from(first, program_zone))}
    received, decided = (ctx.session.scalar(query, whole) or 0 for query in (_RECEIVED, _DECIDED))
    if received != decided:
        differing.append(_differs(run.program_id, "conversions received", received, "decided", decided))
    outcomes: dict[str, int] = {}
    money: dict[str, dict[str, Decimal]] = {}
    headers = {header.contract_id: header for header in proposed_statements(ctx.session, run.id)}
    for contract in contracts:
        header, statement = headers.get(contract.id, _NOTHING), {"statement": f"{contract.id}/{run.period}"}
        span = {"contract": contract.id, **_span(month_from(first, timezone_of(contract)))}
        rated = ZERO
        for outcome, count, amount in ctx.session.execute(_OUTCOMES, span):
            outcomes[outcome] = outcomes.get(outcome, 0) + count
            rated = amount if outcome == "rated" else rated
        posted, accrued = (ctx.session.scalar(query, statement) for query in (_POSTED, _ACCRUED))
        found = {
            "decided": rated,
            "posted_before": Decimal(posted or 0),
            "proposed": header.amount,
            "waiting": header.waiting_amount,
        }
        out = plus(plus(found["posted_before"], found["proposed"]), found["waiting"])
        if rated != out:
            differing.append(_differs(contract.id, "money decided", rated, "posted, proposed and waiting", out))
        kept = plus(Decimal(accrued or 0), header.accrued)
        if kept != header.waiting_amount:
            differing.append(_differs(contract.id, "money waiting", header.waiting_amount, "accrued", kept))
        sums = money.setdefault(contract.currency, dict.fromkeys(found, ZERO))
        for name, amount in found.items():
            sums[name] = plus(sums[name], amount)
    return {
        "conversions": {"received": received, "decided": decided},
        "decisions": dict(sorted(outcomes.items())),
        "money": {currency: _shown(sums) for currency, sums in sorted(money.items())},
    }


def _span(period: Period) -> dict[str, Any]:
    return {"start": period.start, "end": period.end}


def _shown(sums: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: canonical(amount) for name, amount in sums.items()}


def _differs(subject: str, one: str, amount: Decimal | int, other: str, than: Decimal | int) -> Finding:
    figures = [canonical(each) if isinstance(each, Decimal) else f"{each:,}" for each in (amount, than)]
    return Finding("controls_differ", f"{subject}: {one} {figures[0]}, {other} {figures[1]}")
