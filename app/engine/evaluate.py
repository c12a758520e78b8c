"""Read this first: how the terms in force decide one conversion, from facts to lines.

The order is fixed: facts → eligibility → attribution → rate → round each line → limits. An engine (`matcher.py`) only
says which rules are true; what follows from that is here and below, the same for every engine.
"""

from __future__ import annotations

from app.core.canonical import record_hash
from app.core.instants import write_instant
from app.core.money import canonical
from app.engine.attribution import claim_refused
from app.engine.counters import Before
from app.engine.decision import Decision, Line, Outcome, Reason
from app.engine.eligibility import judge
from app.engine.factsheet import Conversion, with_derived
from app.engine.matcher import Facts, Matcher
from app.engine.payout.formulas import Note
from app.engine.payout.lines import pay
from app.engine.terms import NoTerms, Terms
from app.rulelang.printer import value_text


def evaluate(
    terms: Terms, conversion: Conversion, matcher: Matcher, before: Before, note: Note | None = None
) -> Decision:
    """Decide one conversion under the terms in force at its event.

    `before` holds what the contract's counters had reached before it. Raises EngineFault when the engine cannot be
    trusted; every other answer is a decision.
    """
    facts = facts_for(terms, conversion)
    outcome, reasons, lines = _decide(terms, facts, matcher, before, note)
    is_credited = outcome == "rated"
    return Decision(
        conversion=conversion.id,
        contract=terms.contract.id,
        contract_version=terms.version.number,
        rule_versions=terms.rule_versions_record,
        event_at=conversion.event_at,
        outcome=outcome,
        reasons=reasons,
        credit=((terms.contract.partner, "1"),) if is_credited else (),
        lines=lines,
        currency=terms.contract.currency,
        inputs_hash=inputs_hash(conversion, facts, before),
    )


def facts_for(terms: Terms, conversion: Conversion) -> Facts:
    """Return the conversion's facts with the derived ones that the terms read."""
    return with_derived(conversion, conversion.event_at.astimezone(terms.contract.timezone), terms.facts_read)


def _decide(
    terms: Terms, facts: Facts, matcher: Matcher, before: Before, note: Note | None
) -> tuple[Outcome, tuple[Reason, ...], tuple[Line, ...]]:
    missing = [name for name in terms.facts_required if name not in facts]
    if missing:
        return "held", tuple(Reason("MISSING_FACT", fact=name) for name in missing), ()

    matched = matcher.matched(terms.eligibility_conditions, facts)
    refused, reasons = judge(terms.eligibility_body, matched, facts)
    if refused is not None:
        return refused, reasons, ()

    uncredited = claim_refused(terms.attribution_body)
    if uncredited is not None:
        return "unattributed", (uncredited,), ()

    matched = matcher.matched(terms.payout_conditions, facts)
    return pay(terms.payout_body, terms.contract, matched, facts, before, note)


def decide_without_terms(conversion: Conversion, why: NoTerms, contract: str | None, currency: str) -> Decision:
    """Return the decision on a conversion for which no terms were in force."""
    return undecided(conversion, "no_contract", (Reason(why.code, actual=why.because),), contract, currency)


def decide_unclaimed(conversion: Conversion, currency: str) -> Decision:
    """Return the decision on a conversion that no partner claims."""
    return undecided(conversion, "unattributed", (Reason("NO_CLAIM"),), None, currency)


def undecided(
    conversion: Conversion, outcome: Outcome, reasons: tuple[Reason, ...], contract: str | None, currency: str
) -> Decision:
    """Return a decision that no terms made: nothing is paid, for these reasons."""
    return Decision(
        conversion=conversion.id,
        contract=contract,
        contract_version=None,
        rule_versions={},
        event_at=conversion.event_at,
        outcome=outcome,
        reasons=reasons,
        credit=(),
        lines=(),
        currency=currency,
        inputs_hash=inputs_hash(conversion, conversion.facts, {}),
    )


def inputs_hash(conversion: Conversion, facts: Facts, before: Before) -> str:
    """Return the hash of everything a decision depends on besides the terms."""
    return record_hash(
        {
            "program": conversion.program,
            "conversion": conversion.id,
            "event_at": write_instant(conversion.event_at),
            "partner": conversion.partner,
            "facts": {name: value_text(value) for name, value in facts.items()},
            "before": before_record(before),
        }
    )


def before_record(before: Before) -> dict[str, str]:
    """Return counters by name, as records and explanations show them."""
    return {counter.name: canonical(value) for counter, value in before.items()}
