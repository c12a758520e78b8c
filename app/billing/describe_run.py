"""Billing runs, what they propose, and accounting periods as data for people and programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.billing.operations.post_run import accounting_period
from app.core.instants import write_instant
from app.core.money import canonical
from app.core.rounding import shown
from app.store.models import (
    AccountingClosing,
    BillingRun,
    BillingRunProgress,
    Posting,
    ProposedLine,
    ProposedStatement,
)

CHOICES = {
    "queued": "A worker takes it up. It can be cancelled.",
    "computing": "A worker is at it. It can be cancelled.",
    "ready": "Look at its lines; then somebody else than {opened_by} posts it, or it is cancelled.",
    "posting": "A worker posts it.",
    "posted": "It can be taken back by a reversal.",
    "cancelled": "It is over. Open another.",
    "failed": "It is over. See its fault, mend that, and open another.",
}


def run_data(
    run: BillingRun,
    progress: BillingRunProgress,
    statements: Sequence[tuple[ProposedStatement, str]],
    postings: Mapping[str, Posting],
) -> dict[str, Any]:
    """Return a run, how far it is, and what it proposes or posted, statement by statement, each with its currency;
    `postings` are those that it made, by statement."""
    return {
        **brief_data(run),
        "progress": {
            "stage": run.state if run.state != "computing" else progress.stage,
            "done": progress.done,
            "total": progress.total,
        },
        "controls": run.controls,
        "fault": run.fault,
        "statements": [
            proposed_statement_data(each, currency, postings.get(f"{each.contract_id}/{each.period}"))
            for each, currency in statements
        ],
        "next": CHOICES[run.state].format(opened_by=run.opened_by),
    }


def brief_data(run: BillingRun) -> dict[str, Any]:
    """Return a run without what it proposes."""
    return {
        "id": run.id,
        "position": run.position,
        "kind": run.kind,
        "program": run.program_id,
        "contract": run.contract_id,
        "period": run.period,
        "state": run.state,
        "reverses": run.reverses,
        "engine": run.engine,
        "settled_by": run.settled_by,
        "settled_because": run.settled_because,
        "opened_by": run.opened_by,
        "opened_at": write_instant(run.opened_at),
        "computed_at": _instant(run.computed_at),
        "posted_by": run.posted_by,
        "posted_at": _instant(run.posted_at),
        "ended_by": run.ended_by,
        "ended_at": _instant(run.ended_at),
    }


def _instant(instant: Any) -> str | None:
    return None if instant is None else write_instant(instant)


def proposed_statement_data(proposed: ProposedStatement, currency: str, posting: Posting | None) -> dict[str, Any]:
    """Return what a run would post to one statement, or has posted."""
    return {
        "contract": proposed.contract_id,
        "period": proposed.period,
        "lines": proposed.lines,
        "corrections": proposed.corrections,
        "amount": shown(proposed.amount, currency),
        "accrued": shown(proposed.accrued, currency),
        "currency": currency,
        "waiting": {
            "conversions": proposed.waiting,
            "amount": shown(proposed.waiting_amount, currency),
            "until": _instant(proposed.waiting_until),
        },
        "posting": None if posting is None else posting_data(posting, currency),
    }


def posting_data(posting: Posting, currency: str) -> dict[str, Any]:
    """Return where a posting is booked, and what is to be paid of it."""
    return {
        "id": posting.id,
        "accounting_period": posting.accounting_period,
        "brought_forward": shown(posting.brought_forward, currency),
        "to_pay": shown(posting.to_pay, currency),
        "carried_forward": shown(posting.carried_forward, currency),
    }


def proposed_line_data(line: ProposedLine, currency: str) -> dict[str, Any]:
    """Return one line, or accrual, that a run would post."""
    return {
        "id": line.id,
        "place": line.place + 1,
        "kind": "accrual" if line.is_accrual else "correction" if line.corrects else "line",
        "statement": line.statement_id,
        "conversion": line.conversion_id,
        **({} if line.delivered_on is None else {"delivered_on": line.delivered_on.isoformat()}),
        "decision": line.decision_id,
        "event_at": write_instant(line.event_at),
        "rule": line.rule,
        **({"part": line.part} if line.part else {}),
        "formula": line.formula,
        "amount_precise": canonical(line.amount_precise),
        "amount": shown(line.amount, currency),
        "currency": currency,
        "corrects": line.corrects,
    }


def closings_data(program: str, closings: Sequence[AccountingClosing]) -> dict[str, Any]:
    """Return the months up to which a program's books were closed, and the first in which something can be booked."""
    closed = closings[0].period if closings else None
    return {
        "program": program,
        "closed_up_to": closed,
        "first_open": None if closed is None else accounting_period(closed, closed),
        "closings": [
            {"period": each.period, "closed_by": each.closed_by, "closed_at": write_instant(each.closed_at)}
            for each in closings
        ],
    }
