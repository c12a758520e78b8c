"""Explain a decision on deliveries: made again from the counts it was made of, and compared with what is stored."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.contracts.mapping import engine_contract, terms_decided_under
from app.contracts.repository import contract_named, versions_of
from app.contracts.vocabulary import facts_of_contract, pinned_lists
from app.conversions.day_repository import adjustments_named, deliveries_on
from app.conversions.days import adjusted, delivered
from app.core.money import canonical
from app.core.rounding import shown
from app.engine.counters import Before
from app.engine.decision import Reason
from app.engine.deliveries.day import DayCase, decide_day
from app.engine.deliveries.decision import DayDecision
from app.engine.evaluate import before_record
from app.engine.reference import ReferenceMatcher
from app.engine.terms import NoTerms, Terms
from app.engine.trace import what_limit_did
from app.rulelang.ast import Limit
from app.runtime import Context
from app.store.models import Decision as DecisionRow


def explain_day(ctx: Context, row: DecisionRow) -> tuple[DayDecision, dict[str, Any], list[str]]:
    """Return a decision on deliveries made again by the reference engine, with the way to it as data and as sentences."""
    case, before = _case_of(ctx, row)
    calculations: list[str] = []
    decision = decide_day(case, ReferenceMatcher(), before, calculations.append)
    data = {
        "before": before_record(before),
        "counts": [
            {
                "placement": one.placement,
                "source": one.source,
                "revision": one.revision,
                "impressions": canonical(one.impressions),
            }
            for one in decision.deliveries
        ],
        "calculations": calculations,
    }
    return decision, data, list(_words(case, decision, calculations))


def _case_of(ctx: Context, row: DecisionRow) -> tuple[DayCase, Before]:
    assert row.contract_id is not None
    assert row.delivered_on is not None
    contract, record = contract_named(ctx.session, row.contract_id), row.record
    named = {(one["placement"], one["source"], one["revision"]) for one in record["deliveries"]}
    rows = deliveries_on(ctx.session, row.contract_id, row.delivered_on)
    counts = [one for one in rows if (one.placement, one.source, one.revision) in named]
    catalogue = facts_of_contract(ctx, contract)
    terms: Terms | NoTerms
    before: Before = {}
    if row.contract_version is None:
        reason = record["reasons"][0]
        terms = NoTerms(reason["code"], reason.get("actual", ""), row.contract_id, row.currency)
    else:
        versions = versions_of(ctx.session, row.contract_id)
        terms = terms_decided_under(contract, versions, record, catalogue, pinned_lists(ctx, versions))
        counters = terms.delivery_counters(row.delivered_on)
        before = {counter: Decimal(row.before[counter.name]) for counter in counters if counter.name in row.before}
    case = DayCase(
        engine_contract(contract),
        row.delivered_on,
        row.event_at,
        terms,
        delivered(counts, catalogue),
        adjusted(adjustments_named(ctx.session, row.contract_id, record["adjustments"])),
        record["past_deadline"],
        record["ends_window"],
    )
    return case, before


def _words(case: DayCase, decision: DayDecision, calculations: list[str]) -> Any:
    """Yield the decision as sentences, in the order it was made."""
    day, currency = decision.delivered_on, decision.currency
    yield f"These are the impressions of {day} under the contract {decision.contract} ({case.contract.timezone.key})."
    if decision.contract_version is not None:
        yield f"Version {decision.contract_version} of the contract was in force at the start of that day."
    for count in decision.deliveries:
        impressions = canonical(count.impressions)
        yield f"{count.source} counted {impressions} impressions on {count.placement} (revision {count.revision})."
    for placed in decision.placements:
        yield _placed_words(placed.as_dict())
    yield from (f"Calculated: {calculation}." for calculation in calculations)
    paid = "paid" if case.contract.direction == "payable" else "charged"
    for line in decision.lines:
        flag = ", on the count of the fallback source because the deadline has passed" if line.flag else ""
        precise = canonical(line.amount_precise)
        yield f"Line {line.rule}: {precise} precisely, {shown(line.amount, currency)} {currency} {paid}{flag}."
    for reason in decision.reasons:
        limit = next((each for each in _limits(case) if (reason.code, reason.rule) == ("LIMIT_REACHED", each.id)), None)
        yield _reason_words(reason, decision.outcome) if limit is None else _limit_words(limit, reason, decision)


def _limits(case: DayCase) -> tuple[Limit, ...]:
    terms = case.terms
    return terms.delivery_limits if isinstance(terms, Terms) and terms.delivery_rules is not None else ()


def _limit_words(limit: Limit, reason: Reason, decision: DayDecision) -> str:
    measured = f"{reason.expected}; {reason.actual}"
    if decision.outcome != "rated" and limit.over in ("hold", "reject"):
        return f"It is {decision.outcome}: LIMIT_REACHED, the limit {limit.id} lets through {measured}."
    return f"The limit {limit.id} {what_limit_did([limit], reason)}: {measured}."


def _placed_words(placed: dict[str, Any]) -> str:
    overage = f", {placed['overage']} more at the rate for overage" if "overage" in placed else ""
    flight = f" in the flight {placed['flight']}" if placed.get("flight") else ""
    return (
        f"{placed['placement']}{flight}: of {placed['impressions']} impressions {placed['valid']} are left after "
        f"deductions, {placed['billable']} are paid for by {', '.join(placed['rules']) or 'no rule'}{overage}."
    )


def _reason_words(found: Reason, outcome: str) -> str:
    reason = found.as_dict()
    what = reason.get("placement", "It")
    said = f"; expected {reason['expected']}, found {reason['actual']}" if "expected" in reason else ""
    more = f", {reason['fact']} is absent" if reason["code"] == "MISSING_FACT" else ""
    also = f": {reason['actual']}" if "actual" in reason and "expected" not in reason else ""
    if what == "It":
        return f"It is {outcome}: {reason['code']}{more}{said}{also}."
    word = "is not paid for" if reason["code"] == "OUTSIDE_FLIGHT" else "is held"
    return f"{what} {word}: {reason['code']}{more}{said}{also}."
