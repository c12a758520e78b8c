"""Read this first: how the terms in force decide a contract's deliveries of one local day, from counts to lines.

The order is fixed: latest revisions → agreed counts → deductions → make-goods → basis → rate → round each line → limits →
guarantee. A line is a rule × day over all placements: it is rounded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from app.core.canonical import record_hash
from app.core.money import EXACT, ZERO, minus, plus, times, total
from app.engine.counters import Before, Counter, counter_of
from app.engine.decision import Outcome, Reason
from app.engine.deliveries.basis import after_deductions, contracted_on, share_of
from app.engine.deliveries.counted import BILLABLE, IMPRESSIONS, PLACEMENT, Adjustment, Delivered, latest, number
from app.engine.deliveries.counting import day_additions, flight_counter
from app.engine.deliveries.decision import DayDecision, Placed
from app.engine.deliveries.lines import MAKE_GOOD, OVERAGE, DueOfDay, PaidOfDay, paid_lines
from app.engine.deliveries.reconcile import agreed
from app.engine.deliveries.terms import Flight
from app.engine.evaluate import before_record
from app.engine.factsheet import WEEKDAYS
from app.engine.matcher import Facts, Matcher
from app.engine.payout.formulas import Note, facts_missing, price, word_of
from app.engine.payout.lines import chosen
from app.engine.terms import Contract, NoTerms, Terms
from app.rulelang.ast import Formula, Tiers, Value, formulas_of
from app.rulelang.printer import value_text


@dataclass(frozen=True, slots=True)
class DayCase:
    """Everything a contract's day is decided from but counters. `past_deadline` and `ends_window` are what the clock
    said: whether nobody waits for counts of that day any longer, and whether the window of a guarantee ended with it."""

    contract: Contract
    delivered_on: date
    event_at: datetime
    terms: Terms | NoTerms
    delivered: Sequence[Delivered] = ()
    adjustments: Sequence[Adjustment] = ()
    past_deadline: bool = False
    ends_window: bool = False


def decide_day(case: DayCase, matcher: Matcher, before: Before, note: Note | None = None) -> DayDecision:
    """Decide a contract's deliveries of one day. `note` is told each calculation in words."""
    terms = case.terms
    if isinstance(terms, NoTerms):
        return _said(case, "no_contract", (Reason(terms.code, actual=terms.because),), before)
    if terms.delivery_rules is None:
        said = _said(case, "ineligible", (Reason("NOT_PAID_PER_DELIVERY"),), before)
        return replace(said, contract_version=terms.version.number, rule_versions=terms.delivery_versions_record)
    return _Day(case, terms, matcher, before, note).decision()


@dataclass(slots=True)
class _Day:
    """A day while it is decided, placement by placement in order of their names."""

    case: DayCase
    terms: Terms
    matcher: Matcher
    before: Before
    note: Note | None
    due: DueOfDay = field(default_factory=DueOfDay)
    counted: dict[str, Decimal] = field(default_factory=dict)
    placements: list[Placed] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    by_deadline: bool = False

    def decision(self) -> DayDecision:
        terms, case = self.terms.delivery_terms, self.case
        made_good: dict[str | None, list[Adjustment]] = {}
        for one in sorted(case.adjustments, key=lambda each: each.id):
            if one.kind == "make_good":
                made_good.setdefault(one.placement, []).append(one)
        for count, flag in self._contracted() if terms.basis == "contracted" else self._agreed():
            refused = self._place(count, flag, made_good.get(count.placement, ()))
            if refused is not None:
                self.reasons.append(refused)
        credits = sorted((one for one in case.adjustments if one.kind == "credit"), key=lambda each: each.id)
        paid = paid_lines(self.due, credits, self.terms, self.before, self.note, ends_window=case.ends_window)
        waits = any(_holds(reason) for reason in self.reasons)
        self.reasons += paid.reasons
        return self._decided(paid.refused or ("held" if waits and not paid.lines else "rated"), paid)

    def _agreed(self) -> list[tuple[Delivered, str]]:
        """Return the agreed count of each placement, with its flag; what is not agreed has its reason noted."""
        found: list[tuple[Delivered, str]] = []
        by_placement: dict[str, list[Delivered]] = {}
        for count in latest(self.case.delivered):
            by_placement.setdefault(count.placement, []).append(count)
        for counts in by_placement.values():
            sources, is_past = self.terms.delivery_terms.sources, self.case.past_deadline
            answer = agreed(counts, sources, is_past_deadline=is_past)
            self.by_deadline = self.by_deadline or answer.by_deadline
            if answer.count is not None:
                found.append((answer.count, answer.flag))
            elif answer.reason is not None:
                self.reasons.append(answer.reason)
        return found

    def _contracted(self) -> list[tuple[Delivered, str]]:
        """Return what was contracted for the day, flight by flight, as if it had been counted."""
        day = self.case.delivered_on
        flights = [flight for flight in self.terms.delivery_terms.flights if flight.is_on(day)]
        return [
            (Delivered(_name_of(each), "", 0, {IMPRESSIONS: int(contracted_on(each, day))}), "") for each in flights
        ]

    def _place(self, count: Delivered, flag: str, made_good: Sequence[Adjustment]) -> Reason | None:
        """Count and price one placement. Return why nothing is paid for it, if nothing can be."""
        terms, day = self.terms.delivery_terms, self.case.delivered_on
        is_contracted = terms.basis == "contracted"
        valid = number(count.facts, IMPRESSIONS)
        if not is_contracted:
            left = after_deductions(count.facts, terms, count.placement)
            if isinstance(left, Reason):
                return left
            valid = left
        flight = None if is_contracted else terms.flight_of(day, count.placement)
        if flight is None and not is_contracted:
            return Reason("OUTSIDE_FLIGHT", placement=count.placement)
        ordinary, extra = valid, {}
        for one in made_good:
            extra[one] = min(one.impressions, ordinary)
            ordinary = minus(ordinary, extra[one])
        counter = None if flight is None or not terms.counts_to_a_number else flight_counter(flight)
        held = ZERO if counter is None else plus(self.before[counter], self.counted.get(str(counter.fact), ZERO))
        share = share_of(ordinary, held, terms, flight or Flight("", day, day))
        facts = facts_of_day(count, share.at_rules, day)
        rules = self._rules(facts, count.placement)
        if isinstance(rules, Reason):
            return rules
        tiers_before = self._tiers_before()
        self.due.priced.append((facts, tiers_before))
        for rule, formula in rules:
            self.due.add(rule, word_of(formula), price(formula, facts, tiers_before, self.note), flag)
        if share.overage and terms.overage_cpm is not None:
            self.due.add(OVERAGE, "cpm", _per_thousand(terms.overage_cpm, share.overage), flag, OVERAGE)
        for one, quantity in extra.items():
            self.due.add(MAKE_GOOD + one.id, "cpm", _per_thousand(one.cpm, quantity), flag)
        self._count(facts, counter, ordinary)
        name = flight.id if flight is not None else count.placement
        ids = tuple(rule for rule, _ in rules)
        source, counted = (None if is_contracted else count.source), number(count.facts, IMPRESSIONS)
        placed = Placed(count.placement, source, counted, valid, share.at_rules, share.overage, name, ids, flag)
        self.placements.append(placed)
        return None

    def _rules(self, facts: Facts, placement: str) -> list[tuple[str, Formula]] | Reason:
        """Return the rules that pay for a placement, or why payment for it is held."""
        rules = self.terms.delivery_rules
        assert rules is not None
        missing = sorted(name for name in rules.rules.facts_required if name not in facts)
        if missing:
            return Reason("MISSING_FACT", None, missing[0], placement=placement)
        matched = self.matcher.matched(self.terms.delivery_conditions, facts)
        found = chosen(self.terms.delivery_body, matched)
        if isinstance(found, Reason):
            return replace(found, placement=placement)
        absent = [(rule, name) for rule, formula in found for name in facts_missing(formula, facts)]
        return Reason("MISSING_FACT", *absent[0], placement=placement) if absent else found

    def _tiers_before(self) -> dict[Counter, Decimal]:
        """Return what the counters hold before the next placement of the day."""
        return {
            counter: plus(held, self.counted.get(counter.fact or "", ZERO)) for counter, held in self.before.items()
        }

    def _count(self, facts: Facts, flight: Counter | None, quantity: Decimal) -> None:
        tiers = (part for part in formulas_of(self.terms.delivery_body) if isinstance(part, Tiers))
        summed = {counter.fact for table in tiers if (counter := counter_of(table)) is not None}
        for name in summed:
            if name is not None:
                self.counted[name] = plus(self.counted.get(name, ZERO), number(facts, name))
        if flight is not None and flight.fact is not None:
            self.counted[flight.fact] = plus(self.counted.get(flight.fact, ZERO), quantity)

    def _decided(self, outcome: Outcome, paid: PaidOfDay) -> DayDecision:
        case, terms = self.case, self.terms
        # Where the deadline changes nothing, what is decided before it is what is decided after it.
        case = replace(case, past_deadline=case.past_deadline and self.by_deadline)
        adds: dict[str, Decimal] = {}
        if outcome == "rated":
            amount = total(line.amount for line in paid.lines)
            counted = self.counted if paid.counts else {}
            adds = day_additions(self.before, counted, amount, paid.billed, paid.beyond)
        return replace(
            _said(case, outcome, tuple(self.reasons), self.before),
            contract_version=terms.version.number,
            rule_versions=terms.delivery_versions_record,
            lines=paid.lines,
            placements=tuple(self.placements),
            adds=adds,
        )


def facts_of_day(count: Delivered, billable: Decimal, day: date) -> dict[str, Value]:
    """Return the facts of a placement's impressions as rules read them, computed ones with them."""
    return {
        **count.facts,
        PLACEMENT: count.placement,
        BILLABLE: billable,
        "delivery.local_date": day,
        "delivery.weekday": WEEKDAYS[day.weekday()],
        "delivery.month": day.month,
    }


def _holds(reason: Reason) -> bool:
    """Tell whether a reason waits for something, rather than saying what was cut or is not paid for."""
    return reason.code not in ("OUTSIDE_FLIGHT", "LIMIT_REACHED")


def _name_of(flight: Flight) -> str:
    """Return the placement that contracted impressions are priced as: the flight's own where it has one."""
    return next(iter(flight.placements)) if len(flight.placements) == 1 else flight.id


def _per_thousand(rate: Decimal, quantity: Decimal) -> Decimal:
    return times(rate, quantity).scaleb(-3, EXACT)


def _said(case: DayCase, outcome: Outcome, reasons: tuple[Reason, ...], before: Before) -> DayDecision:
    """Return a decision that pays nothing."""
    delivered = tuple(latest(case.delivered))
    adjustments = tuple(sorted(one.id for one in case.adjustments))
    return DayDecision(
        delivered_on=case.delivered_on,
        event_at=case.event_at,
        contract=case.contract.id,
        contract_version=None,
        rule_versions={},
        outcome=outcome,
        reasons=reasons,
        lines=(),
        currency=case.contract.currency,
        inputs_hash=_inputs_hash(case, delivered, before),
        deliveries=delivered,
        adjustments=adjustments,
        past_deadline=case.past_deadline,
        ends_window=case.ends_window,
        before=before,
    )


def _inputs_hash(case: DayCase, delivered: Sequence[Delivered], before: Before) -> str:
    return record_hash(
        {
            "contract": case.contract.id,
            "delivered_on": case.delivered_on.isoformat(),
            "deliveries": [
                [one.placement, one.source, one.revision, {name: value_text(each) for name, each in one.facts.items()}]
                for one in delivered
            ],
            "adjustments": [_adjustment_record(one) for one in sorted(case.adjustments, key=lambda each: each.id)],
            "past_deadline": case.past_deadline,
            "ends_window": case.ends_window,
            "before": before_record(before),
        }
    )


def _adjustment_record(one: Adjustment) -> Mapping[str, str | None]:
    numbers = {"impressions": one.impressions, "cpm": one.cpm, "amount": one.amount}
    return {
        "id": one.id,
        "kind": one.kind,
        "placement": one.placement,
        **{name: value_text(value) for name, value in numbers.items()},
    }
