"""The explanation of a decision: every comparison with fact, value and verdict, every calculation, and it in words.

It is not stored: decisions, conversions and rule versions never change, so it can be worked out again whenever it is
asked for. Whoever asks compares the digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.instants import write_instant
from app.core.money import canonical
from app.core.rounding import shown
from app.engine.admission import CODES
from app.engine.attribution import attribute
from app.engine.attribution_trace import AttributionTrace
from app.engine.counters import Before, limit_counter
from app.engine.decision import Decision, Reason
from app.engine.eligibility import judge
from app.engine.evaluate import Case, before_record, evaluate, facts_in_money_of, judged, keeps_counters
from app.engine.exchange import UNCONVERTED
from app.engine.exchange_words import exchange_data, exchange_words
from app.engine.factsheet import Conversion
from app.engine.matcher import Facts
from app.engine.misses import items_words, misses_text, nearest_miss
from app.engine.reference import ReferenceMatcher, Seen, is_true, items_of, traced
from app.engine.reversal_words import left_words, taken_back_words
from app.engine.reversals import PART
from app.engine.terms import Terms
from app.rulelang.ast import (
    AllOf,
    Always,
    AnyOf,
    Condition,
    Fallback,
    Items,
    Leaf,
    Limit,
    Not,
    Payout,
    PayoutRule,
    Verdict,
    facts_in,
    facts_of,
)
from app.rulelang.facts import CUSTOMER
from app.rulelang.printer import (
    HITS,
    condition_text,
    expectation,
    formula_text,
    limit_text,
    value_text,
    value_words,
    verdict_text,
)


@dataclass(frozen=True, slots=True)
class Trace:
    """A decision made again by the reference engine, and how it came about: as data and as sentences."""

    decision: Decision
    data: dict[str, Any]
    words: list[str]


def explain(case: Case, partner: str, before: Mapping[str, Before], reader: str | None = None) -> Trace:
    """Decide again with the reference engine and return the whole way to one partner's decision.

    `before` is what the counters of each contract held, by contract. `reader` is the partner that reads it, if one does:
    it is not told of others.
    """
    calculations: list[str] = []
    parties = {name: judged(terms, case, ReferenceMatcher()) for name, terms in case.terms.items()}
    attributed = attribute(case.conversion, case.model, parties, ReferenceMatcher())
    credit = AttributionTrace(case.conversion, case.model, attributed, reader)
    decisions = evaluate(
        case, ReferenceMatcher(), lambda terms: before[terms.contract.id], {partner: calculations.append}
    )
    decision, terms, conversion = decisions[partner], case.terms[partner], case.conversion
    assert isinstance(terms, Terms)
    facts = facts_in_money_of(terms, case).facts
    payout = terms.payout_body
    data = {
        "facts": {name: value_text(value) for name, value in sorted(facts.items())},
        "missing": [{"fact": name, "needed_by": needed_by(terms, name)} for name in _missing(decision)],
        "before": before_record(decision.before),
        **exchange_data(case, terms, decision.fx, facts),
        "eligibility": [
            _rule_data(rule.id, verdict_text(rule.then), rule.when, facts) for rule in terms.eligibility_body.rules
        ],
        "attribution": credit.data(terms),
        "payout": [
            *(_payout_rule_data(payout, rule, facts) for rule in payout.rules),
            *(_rule_data(bonus.id, formula_text(bonus.then), bonus.when, facts) for bonus in payout.bonuses),
        ],
        "calculations": calculations,
        "limits": [_limit_data(limit, decision) for limit in terms.limits],
        **({"reversals": [each.as_dict() for each in conversion.reversals]} if conversion.reversals else {}),
    }
    if not _is_judged(decision):
        data |= {"eligibility": [], "payout": []}  # no rule was asked
    words = exchange_words(case, terms, decision.fx, facts)
    way = _way(terms, facts, conversion, credit.words(), has_credit=bool(attributed.share_of(partner)))
    return Trace(decision, data, _words(terms, conversion, way, decision, words, calculations))


def _payout_rule_data(payout: Payout, rule: PayoutRule, facts: Facts) -> dict[str, Any]:
    earlier = comes_first(payout, rule, facts)
    return {
        **_rule_data(rule.id, formula_text(rule.then), rule.when, facts),
        **({} if earlier is None else {"comes_first": earlier}),
    }


def _rule_data(rule: str, then: str, when: Condition, facts: Facts) -> dict[str, Any]:
    seen = traced(when, facts)
    data = {"rule": rule, "then": then, "matched": seen.verdict, "in_words": condition_text(when)}
    data["when"] = seen_data(seen, facts)
    if not seen.verdict:
        misses = nearest_miss(when, facts)
        nearest = {"rule": rule, "would": then, "misses": [miss.as_dict() for miss in misses or ()]}
        data["nearest_miss"] = {**nearest, "possible": misses is not None, "in_words": _missed(when, facts)}
    return data


def _limit_data(limit: Limit, decision: Decision) -> dict[str, Any]:
    """Return a limit with what its window held before the decision, and what it did to it."""
    counter = limit_counter(limit)
    held = None if counter is None else decision.before.get(counter)
    reached = [reason for reason in decision.reasons if (reason.code, reason.rule) == ("LIMIT_REACHED", limit.id)]
    return {
        "limit": limit.id,
        "in_words": limit_text(limit),
        **({} if held is None else {"before": canonical(held)}),
        "reached": [str(reason.actual) for reason in reached],
    }


def _missed(when: Condition, facts: Facts) -> str:
    """Return what a condition that is not true lacks."""
    misses = nearest_miss(when, facts)
    return "nothing: no facts could make it match" if misses is None else misses_text(misses)


def comes_first(payout: Payout, rule: PayoutRule, facts: Facts) -> str | None:
    """Return the rule that pays instead of this one even where this one matches, by the order of `hit: first`."""
    if payout.hit != "first":
        return None
    earlier = payout.rules[: payout.rules.index(rule)]
    return next((each.id for each in earlier if is_true(each.when, facts)), None)


def needed_by(terms: Terms, fact: str) -> list[dict[str, str]]:
    """Return the rules that read a fact, by kind; "otherwise" where the payout without a match calculates with it. Of a
    field of an item, those that read the items."""
    fact, payout = fact.partition("[")[0], terms.payout_body
    found = [("eligibility", rule.id) for rule in terms.eligibility_body.rules if fact in facts_of(rule.when)]
    found += [("attribution", rule.id) for rule in terms.attribution_body.qualify if fact in facts_of(rule.when)]
    found += [
        ("payout", rule.id)
        for rule in (*payout.rules, *payout.bonuses)
        if fact in facts_of(rule.when) or fact in facts_in(rule.then)
    ]
    if not isinstance(payout.otherwise, Verdict) and fact in facts_in(payout.otherwise):
        found.append(("payout", "otherwise"))
    found += [("limit", limit.id) for limit in payout.limits if fact in _needed_by_limit(limit)]
    return [{"kind": kind, "rule": rule} for kind, rule in found]


def _needed_by_limit(limit: Limit) -> frozenset[str]:
    """Return the facts that a limit cannot do without: whose conversion it is, and what its fallback calculates with."""
    customer = {CUSTOMER} if limit.per == "customer" else set()
    return frozenset(customer | set(facts_in(limit.over.formula) if isinstance(limit.over, Fallback) else ()))


def _missing(decision: Decision) -> list[str]:
    """Return the facts a decision is held for."""
    names = (reason.fact for reason in decision.reasons if reason.code == "MISSING_FACT")
    return list(dict.fromkeys(name for name in names if name is not None))


def seen_data(seen: Seen, facts: Facts) -> dict[str, Any]:
    """Return a traced condition as data: every leaf with fact, value, expectation and verdict."""
    match seen.condition:
        case Leaf(fact, op) as leaf:
            return {
                "fact": fact,
                "op": op,
                "expected": expectation(leaf, facts),
                "actual": value_words(facts.get(fact)),
                "verdict": seen.verdict,
            }
        case Always():
            return {"always": True, "verdict": True}
        case Items(quantifier, fact):
            return {
                quantifier: fact,
                "where": condition_text(seen.condition.where),
                "actual": items_words(seen.condition, facts),
                "items": [seen_data(each, item) for each, item in zip(seen.parts, items_of(facts, fact), strict=True)],
                "verdict": seen.verdict,
            }
        case AllOf():
            word = "all"
        case AnyOf():
            word = "any"
        case Not():
            word = "not"
    return {word: [seen_data(part, facts) for part in seen.parts], "verdict": seen.verdict}


def _words(
    terms: Terms,
    conversion: Conversion,
    way: list[str],
    decision: Decision,
    converted: list[str],
    calculations: list[str],
) -> list[str]:
    """Return the decision as sentences, in the order it was made."""
    contract = terms.contract
    local = conversion.event_at.astimezone(contract.timezone)
    currency = contract.currency
    lines = [
        f"{conversion.id} happened on {local:%Y-%m-%d at %H:%M} {contract.timezone.key} "
        f"({write_instant(conversion.event_at)}).",
        f"Then version {terms.version.number} of the contract {contract.id} was in force, "
        f"with payout rules {terms.payout.number} ({terms.payout.rules.hash[:12]}).",
        *converted,
    ]
    lines += left_words(conversion, contract.timezone, currency)
    if _is_judged(decision):
        lines += way
    if decision.outcome != "rated":
        lines += [f"It is {decision.outcome}: {_refusal(terms, reason)}." for reason in decision.reasons]
        return lines + [_need_sentence(terms, name) for name in _missing(decision)]
    paid = "paid" if contract.direction == "payable" else "charged"
    lines += [f"Calculated: {calculation}." for calculation in calculations]
    lines += [
        f"Of that {partner} has {share}{', and a bonus whole' if terms.payout_body.bonuses else ''}."
        for partner, share in decision.credit
        if share != "1"
    ]
    for line in decision.lines:
        name = f"{line.rule} ({line.part})" if line.part else line.rule
        what = "taken back" if line.part.startswith(PART) else paid
        lines.append(
            f"Line {name}: {canonical(line.amount_precise)} precisely, "
            f"{shown(line.amount, currency)} {currency} {what}."
        )
    lines += [
        f"The limit {reason.rule} {what_limit_did(terms.limits, reason)}: {_measured(reason)}."
        for reason in decision.reasons
    ]
    keeps = keeps_counters(terms)
    return [*lines, *taken_back_words(conversion, decision, contract.timezone, currency, keeps_counters=keeps)]


def _is_judged(decision: Decision) -> bool:
    """Tell whether rules were asked at all."""
    return not any(reason.code in (*CODES, *UNCONVERTED) for reason in decision.reasons)


def _measured(reason: Reason) -> str:
    return f"{reason.expected}; {reason.actual}"


def what_limit_did(limits: Iterable[Limit], reason: Reason) -> str:
    """Return what a limit did to a decision that went beyond it."""
    over = next(limit.over for limit in limits if limit.id == reason.rule)
    if isinstance(over, Fallback):
        return f"pays {formula_text(over.formula)} instead"
    return "cut it" if over == "partial" else "leaves nothing of it"


def _refusal(terms: Terms, reason: Reason) -> str:
    """Return why a decision pays nothing; a limit may also have had something else paid before another one refused it."""
    if reason.code == "LIMIT_REACHED":
        return f"{reason.code}, the limit {reason.rule} lets through {_measured(reason)}"
    return _reason_text(reason.as_dict())


def _way(terms: Terms, facts: Facts, conversion: Conversion, credit: list[str], *, has_credit: bool) -> list[str]:
    """Return what was looked at, as far as the decision got: nothing but touches where a fact was missing at the start.
    `credit` says how it came about who has the credit, where that was not by a plain claim."""
    if any(name not in facts for name in terms.facts_required):
        return credit
    eligibility, payout, claims = terms.eligibility_body, terms.payout_body, terms.attribution_body.claims
    lines = [_rule_sentence("Eligibility rule", rule.id, rule.when, facts) for rule in eligibility.rules]
    refused, _ = judge(eligibility, ReferenceMatcher().matched(terms.eligibility_conditions, facts), facts)
    lines += credit
    if refused is not None:
        return lines
    if conversion.partner == terms.contract.partner:
        only = ", which count where no touch does" if credit and claims == "accept" else ""
        lines.append(f"{terms.contract.partner} claims it, and this contract {claims}s claims{only}.")
    if not has_credit:
        return lines
    lines += [_payout_sentence(payout, rule, facts) for rule in payout.rules]
    hits = sum(is_true(rule.when, facts) for rule in payout.rules)
    if hits != 1:
        lines.append(f"{HITS[payout.hit].capitalize()}." if hits else "No payout rule matches, so otherwise applies.")
    return lines + [_paying_sentence("Bonus", rule, facts) for rule in payout.bonuses]


def _payout_sentence(payout: Payout, rule: PayoutRule, facts: Facts) -> str:
    earlier = comes_first(payout, rule, facts)
    if earlier is None:
        return _paying_sentence("Payout rule", rule, facts)
    if is_true(rule.when, facts):
        shown = f"{condition_text(rule.when)}{_actuals(rule.when, facts)}"
        return f"Payout rule {rule.id} matches too, but {earlier} comes first: {shown}."
    return f"{_paying_sentence('Payout rule', rule, facts)[:-1]}; and {earlier} comes first."


def _paying_sentence(kind: str, rule: PayoutRule, facts: Facts) -> str:
    if is_true(rule.when, facts):
        return _rule_sentence(kind, rule.id, rule.when, facts)
    return f"{kind} {rule.id} ({formula_text(rule.then)}) is missed by {_missed(rule.when, facts)}."


def _rule_sentence(kind: str, rule: str, when: Condition, facts: Facts) -> str:
    if is_true(when, facts):
        return f"{kind} {rule} matches: {condition_text(when)}{_actuals(when, facts)}."
    return f"{kind} {rule} does not match: {_missed(when, facts)}."


def _need_sentence(terms: Terms, fact: str) -> str:
    rules = ", ".join(
        f"the limit {needs['rule']}" if needs["kind"] == "limit" else f"{needs['kind']} rule {needs['rule']}"
        for needs in needed_by(terms, fact)
    )
    return f"{fact} is needed by {rules}."


def _actuals(when: Condition, facts: Facts) -> str:
    if isinstance(when, Leaf):
        other = when.other_fact
        than = "" if other is None else f", and {other} was {value_words(facts.get(other))}"
        return f"; was {value_words(facts.get(when.fact))}{than}"
    names = dict.fromkeys(facts_of(when))
    were = ", ".join(f"{name} was {value_words(facts.get(name))}" for name in names)
    return f"; {were}" if were else ""


def _reason_text(reason: dict[str, str]) -> str:
    text = reason["code"] + (f" by rule {reason['rule']}" if "rule" in reason else "")
    if "expected" in reason:
        text += f", {reason['fact']} {reason['expected']}; was {reason['actual']}"
    elif "fact" in reason:
        text += f", {reason['fact']} is absent"
    elif "actual" in reason:
        text += f", {reason['actual']}"
    return text
