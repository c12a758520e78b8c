"""Statements and lines as data for people and programs. Pure."""

from __future__ import annotations

from typing import Any

from app.billing.balance import StatementBalance, balance_words
from app.billing.operations.preview_change import Impact
from app.billing.repository import Total
from app.conversions.repository import DecisionChange
from app.core.instants import write_instant
from app.core.money import canonical, minus, total
from app.core.rounding import shown
from app.store.models import StatementLine


def statement_data(sums: Total, balance: StatementBalance) -> dict[str, Any]:
    """Return a statement's header."""
    statement = sums.statement
    return {
        "contract": statement.contract_id,
        "period": statement.period,
        "currency": statement.currency,
        "total": shown(sums.amount, statement.currency),
        **balance_data(balance, statement.currency),
        "line_count": sums.lines,
        "created_at": write_instant(statement.created_at),
    }


def balance_data(balance: StatementBalance, currency: str) -> dict[str, Any]:
    """Return what is to be paid of a statement, with a line for each amount below zero that came or went."""
    lines = [
        {"kind": kind, "from": each.source, "to": each.target, "amount": shown(each.amount, currency)}
        | {"in_words": balance_words(each, currency, is_brought=kind == "brought_forward")}
        for kind, carried in (("brought_forward", balance.brought), ("carried_forward", balance.carried))
        for each in carried
    ]
    return {
        "brought_forward": shown(balance.brought_forward, currency),
        "to_pay": shown(balance.to_pay, currency),
        "carried_forward": shown(balance.carried_forward, currency),
        "balance": lines,
    }


def line_data(line: StatementLine, currency: str) -> dict[str, Any]:
    """Return one statement line."""
    return {
        "id": line.id,
        "conversion": line.conversion_id,
        **({} if line.delivered_on is None else {"delivered_on": line.delivered_on.isoformat()}),
        "decision": line.decision_id,
        "event_at": write_instant(line.event_at),
        "rule": line.rule,
        **({"part": line.part} if line.part else {}),
        "formula": line.formula,
        "amount_precise": canonical(line.amount_precise),
        "amount": shown(line.amount, currency),
        "posting": line.posting_id,
        "corrects": line.corrects,
    }


def impact_data(impact: Impact, most: int = 1_000) -> dict[str, Any]:
    """Return an impact as data, with at most so many decisions."""
    currency = impact.contract.currency
    before = total(change.amount_before for change in impact.decisions)
    after = total(change.amount_after for change in impact.decisions)
    return {
        "subject": impact.subject,
        "change": impact.what,
        "currency": currency,
        "conversions_decided_again": impact.looked_at,
        "decisions_changed": len(impact.decisions),
        "before": shown(before, currency),
        "after": shown(after, currency),
        "difference": shown(minus(after, before), currency),
        "by_rule": [
            {
                "rule": rule,
                "before": shown(old, currency),
                "after": shown(new, currency),
                "difference": shown(minus(new, old), currency),
            }
            for rule, (old, new) in impact.by_rule.items()
        ],
        "statements": [
            {
                "period": one.period,
                "posted": shown(one.posted, currency),
                "now": shown(one.now, currency),
                "then": shown(one.then, currency),
                "difference": shown(minus(one.then, one.now), currency),
            }
            for one in impact.statements
        ],
        "decisions": [_change_data(change, currency) for change in impact.decisions[:most]],
    }


def _change_data(change: DecisionChange, currency: str) -> dict[str, Any]:
    return {
        "conversion": change.conversion,
        **({} if change.delivered_on is None else {"delivered_on": change.delivered_on.isoformat()}),
        "event_at": write_instant(change.event_at),
        "decision": change.decision,
        "before": _outcome_data(change.before),
        "after": _outcome_data(change.after),
        "difference": shown(minus(change.amount_after, change.amount_before), currency),
    }


def _outcome_data(record: dict[str, Any] | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "outcome": record["outcome"],
        "contract_version": record["contract_version"],
        "rules": [line["rule"] for line in record["lines"]],
        "reasons": [reason["code"] for reason in record["reasons"]],
        "amount": record["amount"],
    }
