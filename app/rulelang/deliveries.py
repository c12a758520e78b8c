"""What a payout on deliveries cannot say of what a payout body can say: a day has no customer and is no event to count."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.errors import pointer_of
from app.rulelang.ast import Fallback, Formula, Payout, Tiers, Verdict, nested_formulas
from app.rulelang.diagnostics import Findings


def check_delivery_payout(body: Payout, findings: Findings, at: str) -> None:
    """Note limits and tier tables of a payout on deliveries that have no meaning there."""
    for limit in body.limits:
        if limit.measure == "count":
            message = "a limit on a count counts conversions; deliveries have none"
            findings.add("not_for_deliveries", limit.pointer + "/measure", message, 'limit the "amount"')
        if limit.per == "customer":
            findings.add(
                "not_for_deliveries", limit.pointer + "/per", "deliveries have no customer", 'write "contract"'
            )
        if limit.window == "event":
            message = "no limit is on a single delivery: all of a contract's day are decided together"
            findings.add("not_for_deliveries", limit.pointer + "/window", message, 'write "day"')
    for formula, where in _formulas(body, at):
        for table in (part for part in nested_formulas(formula) if isinstance(part, Tiers)):
            if table.by.fact is None:
                message = "a tier table on deliveries sums impressions; there are no conversions to count"
                findings.add("not_for_deliveries", where, message, 'write "by": {"sum": "delivery.billable"}')
            if table.mode == "volume" and table.window != "event":
                message = (
                    "volume over several days would change the lines of earlier days; deliveries have no such lines"
                )
                findings.add("not_for_deliveries", where, message, 'use "graduated", or the window "event"')


def _formulas(body: Payout, at: str) -> Iterator[tuple[Formula, str]]:
    for rule in (*body.rules, *body.bonuses):
        yield rule.then, rule.pointer + pointer_of("then")
    if not isinstance(body.otherwise, Verdict):
        yield body.otherwise, at + "/otherwise"
    for limit in body.limits:
        if isinstance(limit.over, Fallback):
            yield limit.over.formula, limit.pointer + "/over/fallback"
