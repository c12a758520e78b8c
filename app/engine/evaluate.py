"""Read this first: how the terms in force decide one conversion, from facts to lines, for every partner it concerns.

The order is fixed: admission → facts, with their money in the contract's currency → eligibility → attribution → rate →
share → bonuses → round each line → limits → what came back after the lock. An engine (`matcher.py`) only says which rules
are true; what follows from that is here and below, the same for every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from app.core.canonical import record_hash
from app.core.fractions import fraction_text
from app.core.instants import write_instant
from app.core.money import canonical, total
from app.engine.admission import refusals
from app.engine.attribution import Attributed, ProgramModel, attribute, concerned
from app.engine.counters import Before, additions
from app.engine.decision import Decision, Fx, Line, Outcome, Reason
from app.engine.eligibility import judge
from app.engine.exchange import Exchange, converted, fx_of, no_rate
from app.engine.factsheet import Conversion, with_derived
from app.engine.matcher import Facts, Matcher
from app.engine.payout.adjustments import fallen_away
from app.engine.payout.formulas import Note
from app.engine.payout.limits import Within, is_paid, within_limits
from app.engine.payout.lines import Due, due_lines, fallback_lines, rounded_together
from app.engine.reversals import Reversal, is_undone, negated, negative_lines, still_counted
from app.engine.settlement import held_until, lock_at
from app.engine.terms import NoTerms, Terms
from app.rulelang.ast import Limit
from app.rulelang.printer import value_text

BeforeOf = Callable[[Terms], Before]
"""Returns what the counters of a contract had reached before the conversion."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a conversion is decided from but counters: itself, the terms of each partner it concerns or why there
    are none, the program's attribution model and currency, and the rates between currencies."""

    conversion: Conversion
    terms: Mapping[str, Terms | NoTerms]
    model: ProgramModel
    currency: str
    exchange: Exchange = field(default_factory=Exchange)


@dataclass(frozen=True, slots=True)
class Party:
    """A partner's side of a conversion before it is known who gets the credit: the facts as its terms read them, and
    what they refuse it for. Without a refusal it is eligible."""

    terms: Terms | None
    facts: Facts
    refused: Outcome | None
    reasons: tuple[Reason, ...]
    fx: Fx | None = None

    @property
    def is_eligible(self) -> bool:
        return self.refused is None


def case_of(
    conversion: Conversion,
    terms_of: Callable[[str], Terms | NoTerms],
    model: ProgramModel,
    currency: str,
    exchange: Exchange | None = None,
) -> Case:
    """Return the case of a conversion: all partners that it concerns, each with its terms."""
    terms = {partner: terms_of(partner) for partner in concerned(conversion, model)}
    return Case(conversion, terms, model, currency, exchange or Exchange())


def evaluate(
    case: Case, matcher: Matcher, before: BeforeOf, notes: Mapping[str, Note] | None = None
) -> dict[str | None, Decision]:
    """Decide one conversion under the terms in force at its event, for each partner that it concerns; where it concerns
    nobody, the one decision says so.

    `notes` are told the calculations of their partner in words. Raises EngineFault when the engine cannot be trusted;
    every other answer is a decision.
    """
    parties = {partner: judged(terms, case, matcher) for partner, terms in case.terms.items()}
    if parties and is_undone(case.conversion.reversals):
        return {partner: _undone(case, partner, party) for partner, party in parties.items()}
    attributed = attribute(case.conversion, case.model, parties, matcher)
    held = {partner: before(terms) for partner, terms in _counting(case, parties, attributed)}
    due: dict[str, Due] = {}
    for credit in attributed.credits:
        party = parties[credit.partner]
        if party.terms is not None and party.is_eligible:
            note = (notes or {}).get(credit.partner)
            due[credit.partner] = _due(party.terms, party.facts, matcher, held[credit.partner], credit.share, note)
    lines = rounded_together(due)
    if not parties:
        return {None: undecided(case.conversion, "unattributed", (Reason("NO_CLAIM"),), None, case.currency)}
    decisions = {
        partner: _decision(
            case, partner, party, attributed, due.get(partner), lines.get(partner), held.get(partner), notes
        )
        for partner, party in parties.items()
    }
    return {partner: by_model(decision, case, attributed) for partner, decision in decisions.items()}


def by_model(decision: Decision, case: Case, attributed: Attributed) -> Decision:
    """Return a decision that says by which model of the program it was made, where one was asked."""
    if case.model.record is None or not attributed.is_by_model or decision.contract_version is None:
        return decision
    return replace(decision, rule_versions={**decision.rule_versions, "model": dict(case.model.record)})


def judged(terms: Terms | NoTerms, case: Case, matcher: Matcher) -> Party:
    """Return whether a conversion is eligible under a partner's terms, whoever gets the credit."""
    if isinstance(terms, NoTerms):
        return Party(None, case.conversion.facts, "no_contract", (Reason(terms.code, actual=terms.because),))
    if not terms.pays_conversions:
        return Party(terms, facts_for(terms, case.conversion), "ineligible", (Reason("PAID_PER_DELIVERY"),))
    not_counted = refusals(terms, case.conversion)
    if not_counted:
        return Party(terms, facts_for(terms, case.conversion), "ineligible", not_counted)
    read = facts_in_money_of(terms, case)
    if read.refused is not None:
        return read
    matched = matcher.matched(terms.eligibility_conditions, read.facts)
    refused, reasons = judge(terms.eligibility_body, matched, read.facts)
    return replace(read, refused=refused, reasons=reasons)


def facts_in_money_of(terms: Terms, case: Case) -> Party:
    """Return a partner's side before anything is judged: the facts as its terms read them, all money in the contract's
    currency; held where a fact is missing, or a rate."""
    facts = facts_for(terms, case.conversion)
    missing = [name for name in terms.facts_required if name not in facts]
    if missing:
        return Party(terms, facts, "held", tuple(Reason("MISSING_FACT", fact=name) for name in missing))
    fx = fx_of(terms, facts, case.conversion.event_at, case.currency, case.exchange)
    if fx is None:
        return Party(terms, facts, None, ())
    if fx.rate is None:
        return Party(terms, facts, "held", (no_rate(fx),), fx)
    found = converted(facts, fx, case.exchange.catalogue)
    return Party(terms, facts, "held", found, fx) if isinstance(found, tuple) else Party(terms, found, None, (), fx)


def facts_for(terms: Terms, conversion: Conversion) -> Facts:
    """Return the conversion's facts with the derived ones that the terms read."""
    return with_derived(conversion, conversion.event_at.astimezone(terms.contract.timezone), terms.facts_read)


def _counting(case: Case, parties: Mapping[str, Party], attributed: Attributed) -> Iterator[tuple[str, Terms]]:
    """Yield the parties whose counters a decision notes: those with credit, and the one that claims the conversion. The
    digests of stored decisions cover the counters of a claim, whatever became of it."""
    wanted = {credit.partner for credit in attributed.credits} | {case.conversion.partner}
    for partner, party in parties.items():
        if partner in wanted and party.terms is not None:
            yield partner, party.terms


def _due(terms: Terms, facts: Facts, matcher: Matcher, before: Before, share: Fraction, note: Note | None) -> Due:
    matched = matcher.matched(terms.payout_conditions, facts)
    return due_lines(terms.payout_body, terms.contract, matched, facts, before, share, note)


def _decision(
    case: Case,
    partner: str,
    party: Party,
    attributed: Attributed,
    due: Due | None,
    lines: list[Line] | None,
    before: Before | None,
    notes: Mapping[str, Note] | None,
) -> Decision:
    """Return the decision for one partner: what refuses it first, or what it is paid within its limits."""
    terms = party.terms
    if terms is None or party.refused is not None:
        return said_of(case, partner, party, party.refused or "no_contract", party.reasons, before)
    if due is None or lines is None or before is None:
        reason = attributed.reasons.get(partner, Reason("NO_CREDIT"))
        return said_of(case, partner, party, "unattributed", (reason,), before)
    if due.refused is not None:
        return said_of(case, partner, party, due.refused, due.reasons, before)
    share, contract, note = attributed.share_of(partner), terms.contract, (notes or {}).get(partner)

    def instead(limit: Limit) -> list[Line] | tuple[Reason, ...]:
        return fallback_lines(limit, contract, party.facts, before, share, lines, note)

    paid = within_limits(lines, terms.limits, before, contract.currency, instead)
    if paid.refused is not None:
        return said_of(case, partner, party, paid.refused, paid.reasons, before)
    credit = ((contract.partner, fraction_text(share)),)
    back = tuple(negated(case.conversion.facts, case.conversion.reversals))
    final, adds = what_stays(
        terms, party.facts, paid, before, back, lambda facts: due.booked(facts, before, paid.beyond)
    )
    return said_of(case, partner, party, "rated", paid.reasons, before, credit, final, adds)


def what_stays(
    terms: Terms,
    facts: Facts,
    paid: Within,
    before: Before,
    back: Sequence[tuple[Reversal, Fraction]],
    booked: Callable[[Facts], Mapping[str, Decimal]],
) -> tuple[tuple[Line, ...], dict[str, Decimal]]:
    """Return the lines of a rated conversion with those that take back what came back after the lock, and what it adds to
    counters; `booked` says what volume tables book of facts."""
    keeps = keeps_counters(terms)
    gone = None if keeps else [_fallen_away(terms, facts, back[: upto + 1], before) for upto in range(len(back))]
    final = (*paid.lines, *negative_lines(paid.lines, back, terms.contract.rounding, fallen_away=gone))
    if keeps or not back:
        return final, adds_of(terms, facts, paid.lines, paid.beyond, booked(facts))
    left = still_counted(facts, back)
    return final, {} if left is None else adds_of(terms, left, final, paid.beyond, booked(left))


def _fallen_away(
    terms: Terms, facts: Facts, back: Sequence[tuple[Reversal, Fraction]], before: Before
) -> dict[str, Fraction]:
    """Return what of its adjustments a conversion takes back when counters are given back what came back by then."""
    return fallen_away(terms.payout_body, facts, still_counted(facts, back), before)


def keeps_counters(terms: Terms) -> bool:
    """Tell whether what comes back after the lock leaves the counters of tiers and limits as they are."""
    return terms.version.settlement.after_lock == "keep"


def _undone(case: Case, partner: str, party: Party) -> Decision:
    """Return the decision on a conversion that came back as a whole before it was locked: it counts for nothing."""
    if party.terms is None:
        return said_of(case, partner, party, "no_contract", party.reasons, None)
    last = case.conversion.reversals[-1]
    reason = Reason("REVERSED", actual=f"all of it came back by {write_instant(last.at)} ({last.id})")
    return said_of(case, partner, party, "ineligible", (reason,), None)


def said_of(
    case: Case,
    partner: str,
    party: Party,
    outcome: Outcome,
    reasons: tuple[Reason, ...],
    before: Before | None,
    credit: tuple[tuple[str, str], ...] = (),
    lines: tuple[Line, ...] = (),
    adds: Mapping[str, Decimal] | None = None,
) -> Decision:
    """Return a partner's decision with this outcome."""
    terms = party.terms
    if terms is None:
        found = case.terms[partner]
        assert isinstance(found, NoTerms)
        return undecided(case.conversion, outcome, reasons, found.contract, found.currency or case.currency)
    return Decision(
        conversion=case.conversion.id,
        contract=terms.contract.id,
        contract_version=terms.version.number,
        rule_versions=terms.rule_versions_record,
        event_at=case.conversion.event_at,
        outcome=outcome,
        reasons=reasons,
        credit=credit,
        lines=lines if party.fx is None else tuple(replace(line, fx=party.fx) for line in lines),
        currency=terms.contract.currency,
        inputs_hash=inputs_hash(case.conversion, party.facts, before or {}, terms, party.fx),
        before=before or {},
        adds=adds or {},
        held_until=held_until(terms.version.settlement, case.conversion.event_at, terms.contract.timezone),
        locks_at=lock_at(terms.version.settlement, case.conversion.event_at, terms.contract.timezone),
        fx=party.fx,
    )


def adds_of(
    terms: Terms,
    facts: Facts,
    lines: tuple[Line, ...],
    beyond: frozenset[str],
    booked: Mapping[str, Decimal] | None,
) -> dict[str, Decimal]:
    """Return what a rated conversion adds to the counters of its contract."""
    paid = total(line.amount for line in lines)
    return additions(terms.counters_since, facts, paid, is_paid=is_paid(lines), beyond=sorted(beyond), booked=booked)


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


def inputs_hash(
    conversion: Conversion, facts: Facts, before: Before, terms: Terms | None = None, fx: Fx | None = None
) -> str:
    """Return the hash of everything a decision depends on besides the terms."""
    touches = [
        {
            "id": touch.id,
            "partner": touch.partner,
            "type": touch.type,
            "at": write_instant(touch.at),
            "facts": {name: value_text(value) for name, value in touch.facts.items()},
        }
        for touch in sorted(conversion.touches, key=lambda touch: (touch.at, touch.id))
    ]
    reversals = [reversal.as_dict() for reversal in conversion.reversals]
    return record_hash(
        {
            "program": conversion.program,
            "conversion": conversion.id,
            "event_at": write_instant(conversion.event_at),
            "partner": conversion.partner,
            "facts": {name: value_text(value) for name, value in facts.items()},
            "before": before_record(before),
            **({"touches": touches} if touches else {}),
            **({"reversals": reversals} if reversals else {}),
            **_admitted(conversion, terms),
            **({} if fx is None else {"fx": fx.as_dict()}),
        }
    )


def _admitted(conversion: Conversion, terms: Terms | None) -> dict[str, str]:
    """Return what else decides whether it is counted, where anything does."""
    found = {} if conversion.duplicate_of is None else {"duplicate_of": conversion.duplicate_of}
    if terms is not None and terms.version.settlement.submit_within_days is not None and conversion.received_at:
        found["received_at"] = write_instant(conversion.received_at)
    return found


def before_record(before: Before) -> dict[str, str]:
    """Return counters by name, as records and explanations show them."""
    return {counter.name: canonical(value) for counter, value in before.items()}
