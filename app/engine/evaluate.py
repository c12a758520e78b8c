"""Read this first: how the terms in force decide one conversion, from facts to lines, for every partner it concerns.

The order is fixed: facts → eligibility → attribution → rate → share → bonuses → round each line → limits. An engine
(`matcher.py`) only says which rules are true; what follows from that is here and below, the same for every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.core.canonical import record_hash
from app.core.fractions import fraction_text
from app.core.instants import write_instant
from app.core.money import canonical, total
from app.engine.attribution import Attributed, ProgramModel, attribute, concerned
from app.engine.counters import Before, additions
from app.engine.decision import Decision, Line, Outcome, Reason
from app.engine.eligibility import judge
from app.engine.factsheet import Conversion, with_derived
from app.engine.matcher import Facts, Matcher
from app.engine.payout.formulas import Note
from app.engine.payout.limits import is_paid, within_limits
from app.engine.payout.lines import Due, due_lines, fallback_lines, rounded_together
from app.engine.terms import NoTerms, Terms
from app.rulelang.ast import Limit
from app.rulelang.printer import value_text

BeforeOf = Callable[[Terms], Before]
"""Returns what the counters of a contract had reached before the conversion."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a conversion is decided from but counters: itself, the terms of each partner it concerns or why there
    are none, the program's attribution model, and the program's currency."""

    conversion: Conversion
    terms: Mapping[str, Terms | NoTerms]
    model: ProgramModel
    currency: str


@dataclass(frozen=True, slots=True)
class Party:
    """A partner's side of a conversion before it is known who gets the credit: the facts as its terms read them, and
    what they refuse it for. Without a refusal it is eligible."""

    terms: Terms | None
    facts: Facts
    refused: Outcome | None
    reasons: tuple[Reason, ...]

    @property
    def is_eligible(self) -> bool:
        return self.refused is None


def case_of(
    conversion: Conversion, terms_of: Callable[[str], Terms | NoTerms], model: ProgramModel, currency: str
) -> Case:
    """Return the case of a conversion: all partners that it concerns, each with its terms."""
    return Case(conversion, {partner: terms_of(partner) for partner in concerned(conversion, model)}, model, currency)


def evaluate(
    case: Case, matcher: Matcher, before: BeforeOf, notes: Mapping[str, Note] | None = None
) -> dict[str | None, Decision]:
    """Decide one conversion under the terms in force at its event, for each partner that it concerns; where it concerns
    nobody, the one decision says so.

    `notes` are told the calculations of their partner in words. Raises EngineFault when the engine cannot be trusted;
    every other answer is a decision.
    """
    parties = {partner: judged(terms, case.conversion, matcher) for partner, terms in case.terms.items()}
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
    return {
        partner: _decision(
            case, partner, party, attributed, due.get(partner), lines.get(partner), held.get(partner), notes
        )
        for partner, party in parties.items()
    }


def judged(terms: Terms | NoTerms, conversion: Conversion, matcher: Matcher) -> Party:
    """Return whether a conversion is eligible under a partner's terms, whoever gets the credit."""
    if isinstance(terms, NoTerms):
        return Party(None, conversion.facts, "no_contract", (Reason(terms.code, actual=terms.because),))
    facts = facts_for(terms, conversion)
    missing = [name for name in terms.facts_required if name not in facts]
    if missing:
        return Party(terms, facts, "held", tuple(Reason("MISSING_FACT", fact=name) for name in missing))
    matched = matcher.matched(terms.eligibility_conditions, facts)
    return Party(terms, facts, *judge(terms.eligibility_body, matched, facts))


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
        return _said(case, partner, party, party.refused or "no_contract", party.reasons, before)
    if due is None or lines is None or before is None:
        reason = attributed.reasons.get(partner, Reason("NO_CREDIT"))
        return _said(case, partner, party, "unattributed", (reason,), before)
    if due.refused is not None:
        return _said(case, partner, party, due.refused, due.reasons, before)
    share, contract, note = attributed.share_of(partner), terms.contract, (notes or {}).get(partner)

    def instead(limit: Limit) -> list[Line] | tuple[Reason, ...]:
        return fallback_lines(limit, contract, party.facts, before, share, lines, note)

    paid = within_limits(lines, terms.payout_body.limits, before, contract.currency, instead)
    if paid.refused is not None:
        return _said(case, partner, party, paid.refused, paid.reasons, before)
    credit = ((contract.partner, fraction_text(share)),)
    booked = {} if paid.beyond else due.booked
    return _said(case, partner, party, "rated", paid.reasons, before, credit, paid.lines, paid.beyond, booked)


def _said(
    case: Case,
    partner: str,
    party: Party,
    outcome: Outcome,
    reasons: tuple[Reason, ...],
    before: Before | None,
    credit: tuple[tuple[str, str], ...] = (),
    lines: tuple[Line, ...] = (),
    beyond: frozenset[str] = frozenset(),
    booked: Mapping[str, Decimal] | None = None,
) -> Decision:
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
        lines=lines,
        currency=terms.contract.currency,
        inputs_hash=inputs_hash(case.conversion, party.facts, before or {}),
        before=before or {},
        adds=_adds(terms, party.facts, lines, beyond, booked) if outcome == "rated" else {},
    )


def _adds(
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


def inputs_hash(conversion: Conversion, facts: Facts, before: Before) -> str:
    """Return the hash of everything a decision depends on besides the terms."""
    touches = [
        {
            "id": touch.id,
            "partner": touch.partner,
            "type": touch.type,
            "at": write_instant(touch.at),
            "facts": {name: value_text(value) for name, value in touch.facts.items()},
        }
        for touch in conversion.touches
    ]
    return record_hash(
        {
            "program": conversion.program,
            "conversion": conversion.id,
            "event_at": write_instant(conversion.event_at),
            "partner": conversion.partner,
            "facts": {name: value_text(value) for name, value in facts.items()},
            "before": before_record(before),
            **({"touches": touches} if touches else {}),
        }
    )


def before_record(before: Before) -> dict[str, str]:
    """Return counters by name, as records and explanations show them."""
    return {counter.name: canonical(value) for counter, value in before.items()}
