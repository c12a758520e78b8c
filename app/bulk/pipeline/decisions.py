"""From rows of a run to decisions, the very same that `engine/evaluate.py` makes one by one. Pure.

The rows say what is decided: verdicts, rules, counters, amounts. What is added here are words, which are the engine's own,
and where they are made of the same numbers they are held against the rows: a difference is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson

from app.bulk.pipeline.groups import Group
from app.bulk.pipeline.judging import MASK, DueCode, Verdict
from app.bulk.pipeline.limits import Said
from app.bulk.pipeline.plan import Plan
from app.bulk.pipeline.reversals import taken_columns
from app.core.currency import minor_digits
from app.core.fractions import WHOLE, as_decimal, fraction_text
from app.core.money import EXACT
from app.engine.admission import refusals
from app.engine.attribution import Attributed, attribute
from app.engine.counters import Before, Counter
from app.engine.decision import ADJUSTMENT, Decision, Line, Outcome, Reason
from app.engine.eligibility import judge
from app.engine.evaluate import (
    Case,
    Party,
    by_model,
    evaluate,
    facts_for,
    facts_in_money_of,
    said_of,
    undecided,
    what_stays,
)
from app.engine.exchange import Exchange
from app.engine.factsheet import Conversion
from app.engine.matcher import EngineFault, Facts
from app.engine.payout.adjustments import bookings
from app.engine.payout.formulas import facts_missing, word_of
from app.engine.payout.limits import Within, within_limits
from app.engine.payout.lines import FALLBACK, chosen
from app.engine.payout.volume_tables import tables_in
from app.engine.reference import ReferenceMatcher
from app.engine.reversals import PART, is_undone, negated
from app.engine.terms import NoTerms, Terms
from app.rulelang.ast import Fallback, Limit
from app.rulelang.facts import MAX_SCALE

OUTCOMES = {Said.RATED: "rated", Said.INELIGIBLE: "ineligible", Said.HELD: "held"}
Found = Mapping[str, Any]
"""A row of `decided` by column."""


@dataclass(frozen=True)
class Decisions:
    """Makes decisions of the rows of a run."""

    plan: Plan

    def of_conversion(
        self, rows: Sequence[Found], conversion: Conversion, taken: Sequence[Found] = ()
    ) -> dict[str | None, Decision]:
        """Return the decisions on a conversion by partner, from its rows, and from those of what is taken back of it; with
        what is known of its order and customer."""
        world, at = self.plan.world, conversion.event_at
        if rows[0]["partner"] is None:
            return {None: undecided(conversion, "unattributed", (Reason("NO_CLAIM"),), None, world.currency)}
        by_partner = {row["partner"]: row for row in rows}
        terms = {partner: self._terms(row, at) for partner, row in by_partner.items()}
        case = Case(conversion, terms, world.model_at(at), world.currency, world.exchange or Exchange())
        if is_undone(conversion.reversals):
            return self._undone(rows, case)
        if any(row.get("noted") for row in rows):
            return self._by_reference(by_partner, case, taken)
        parties = {partner: _party(row, case, terms[partner]) for partner, row in by_partner.items()}
        attributed = attribute(conversion, case.model, parties, ReferenceMatcher())
        wanted = {credit.partner for credit in attributed.credits} | {conversion.partner}
        found: dict[str | None, Decision] = {}
        for partner, row in by_partner.items():
            before = self.before(row) if partner in wanted and row["terms"] is not None else None
            self._hold_share(row, attributed.share_of(partner))
            decided = self._decided(row, case, parties[partner], attributed, before)
            _hold_taken(decided, [each for each in taken if each["partner"] == partner], self.plan.lines)
            found[partner] = by_model(decided, case, attributed)
        return found

    def _undone(self, rows: Sequence[Found], case: Case) -> dict[str | None, Decision]:
        """Return the decisions on a conversion that counts for nothing: counters say nothing of it."""
        wrong = [row for row in rows if row["terms"] is not None and row["verdict"] != Verdict.UNDONE]
        if wrong:
            raise EngineFault("the bulk engine counts what came back", conversion=case.conversion.id)
        return evaluate(case, ReferenceMatcher(), lambda terms: {})

    def _by_reference(
        self, rows: Mapping[str, Found], case: Case, taken: Sequence[Found]
    ) -> dict[str | None, Decision]:
        """Return the decisions on a conversion of which the run left something to the reference engine, whose counters are
        noted."""

        def before(terms: Terms) -> Before:
            row = rows[terms.contract.partner]
            if not row.get("noted"):
                return self.before(row)
            noted = orjson.loads(row["noted"])
            return {counter: Decimal(noted[counter.name]) for counter in terms.counters_since}

        found = evaluate(case, ReferenceMatcher(), before)
        for partner, decision in found.items():
            assert partner is not None
            row = rows[partner]
            if bool(row.get("counts")) and decision.outcome != OUTCOMES[Said(row["said"])]:
                raise EngineFault("the bulk engine decides otherwise", conversion=decision.conversion)
            if decision.outcome == "rated":
                _hold_finals(row, decision.lines, self.plan.lines, decision.currency)
            _hold_taken(decision, [each for each in taken if each["partner"] == partner], self.plan.lines)
        return found

    def _terms(self, row: Found, at: datetime) -> Terms | NoTerms:
        world = self.plan.world
        return world.terms_at(row["partner"], at) if row["terms"] is None else world.terms[row["terms"]]

    def _hold_share(self, row: Found, share: Fraction) -> None:
        """Hold the share of a partner against the row."""
        counts = row["verdict"] == Verdict.ELIGIBLE and row["due"] == DueCode.DUE and share > 0
        given = Fraction(int(row["share"]), int(row["whole"])) if self.plan.splits and counts else WHOLE
        if bool(row.get("counts")) != counts or (counts and given != share):
            raise EngineFault("the bulk engine credits otherwise", partner=row["partner"], row_number=row["row_number"])

    def _decided(self, row: Found, case: Case, party: Party, attributed: Attributed, before: Before | None) -> Decision:
        partner, terms = row["partner"], party.terms
        if terms is None or party.refused is not None:
            return said_of(case, partner, party, party.refused or "no_contract", party.reasons, before)
        if not attributed.share_of(partner):
            reason = attributed.reasons.get(partner, Reason("NO_CREDIT"))
            return said_of(case, partner, party, "unattributed", (reason,), before)
        assert before is not None
        rules = chosen(terms.payout_body, set_in(row, "hits", payout_ids(terms)))
        if row["due"] != DueCode.DUE:
            return said_of(case, partner, party, "held", _not_due(row, rules, party.facts), before)
        if isinstance(rules, Reason):
            raise EngineFault("the bulk engine pays by rules that do not pay", conversion=case.conversion.id)
        return self._paid(row, case, party, rules, before, attributed.share_of(partner))

    def _paid(
        self, row: Found, case: Case, party: Party, rules: list[tuple[str, Any]], before: Before, share: Fraction
    ) -> Decision:
        partner, facts, terms = row["partner"], party.facts, party.terms
        assert terms is not None
        due = self._lines(row, terms, rules, share)

        def instead(limit: Limit) -> list[Line] | tuple[Reason, ...]:
            return self._fallback(row, terms, limit, due, facts, share)

        paid = within_limits(due, terms.limits, before, terms.contract.currency, instead)
        _hold_against(row, paid, self.plan.lines, terms)
        if paid.refused is not None:
            return said_of(case, partner, party, paid.refused, paid.reasons, before)
        tables = () if paid.beyond else [table for rule, formula in rules for table in tables_in(rule, formula)]
        booked = {key: of for table in tables for key, of in bookings(table, facts, before, WHOLE).items()}
        back = tuple(negated(case.conversion.facts, case.conversion.reversals))
        final, adds = what_stays(terms, facts, paid, before, back, lambda _: booked)
        credit = ((terms.contract.partner, fraction_text(share)),)
        return said_of(case, partner, party, "rated", paid.reasons, before, credit, final, adds)

    def before(self, row: Found) -> dict[Counter, Decimal]:
        """Return what the counters of terms held before."""
        terms = self.plan.world.terms[row["terms"]]
        reads = self.plan.tallies.reads.get(row["terms"], {})
        return {counter: self._held(row, counter, reads[counter], terms) for counter in terms.counters_since}

    def _held(self, row: Found, counter: Counter, tally: int, terms: Terms) -> Decimal:
        value = int(row[self.plan.tallies.column(tally)])
        match counter.measure:
            case "entered":
                return Decimal(min(value, 1))
            case "amount":
                return Decimal(value).scaleb(-self.group(row).shape.digits, EXACT)
            case "sum" | "booked":
                return Decimal(value).scaleb(-self._scale(counter, terms), EXACT)
        return Decimal(value)

    def _scale(self, counter: Counter, terms: Terms) -> int:
        fact = counter.fact
        if counter.table:
            tables = (table for rule, formula in _formulas(terms) for table in tables_in(rule, formula))
            fact = next(table.tiers.by.fact for table in tables if table.name == counter.table)
        return MAX_SCALE if fact is not None and self.plan.world.catalogue[fact].type == "decimal" else 0

    def group(self, row: Found) -> Group:
        """Return the shape of a row's terms."""
        return self.plan.groups[row["shape"]]

    def _lines(self, row: Found, terms: Terms, rules: list[tuple[str, Any]], share: Fraction) -> list[Line]:
        group = self.group(row)
        ids = [*payout_ids(terms), "otherwise"]
        found: list[Line] = []
        left = list(rules)
        for at, place in enumerate(self.plan.places[group.number]):
            precise = row[f"precise_{at}"]
            if precise is None:
                continue
            of_it = share if place.is_shared else WHOLE
            exactly = as_decimal(Fraction(int(precise), 10 ** self.plan.scales[group.number][at]) * of_it)
            rounded = Decimal(int(row[f"amount_{at}"])).scaleb(-group.shape.digits, EXACT)
            rule, formula = (ids[place.rules[0][0]], None) if place.is_adjustment else left.pop(0)
            word, part = ("tiers", ADJUSTMENT) if formula is None else (word_of(formula), "")
            found.append(Line(rule, word, exactly, rounded, terms.contract.currency, part))
        if left:
            raise EngineFault("the bulk engine lacks a line", rule=left[0][0])
        return found

    def _fallback(
        self, row: Found, terms: Terms, limit: Limit, due: list[Line], facts: Facts, share: Fraction
    ) -> list[Line] | tuple[Reason, ...]:
        assert isinstance(limit.over, Fallback)
        at, formula = terms.limits.index(limit), limit.over.formula
        missing = facts_missing(formula, facts)
        if missing:
            return tuple(Reason("MISSING_FACT", limit.id, name) for name in missing)
        group = self.group(row)
        shape = group.shape.limits[at]
        assert not isinstance(shape.over, str)
        scale = self.plan.pricing(group).prices.price(shape.over).scale
        exactly = as_decimal(Fraction(int(row[f"fallback_precise_{at}"]), 10**scale) * share)
        rounded = Decimal(int(row[f"fallback_{at}"])).scaleb(-group.shape.digits, EXACT)
        line = Line(limit.id, word_of(formula), exactly, rounded, terms.contract.currency, FALLBACK)
        return [line, *(each for each in due if each.part == ADJUSTMENT)]


def _party(row: Found, case: Case, terms: Terms | NoTerms) -> Party:
    """Return a partner's side of a conversion as a row has it."""
    conversion = case.conversion
    if isinstance(terms, NoTerms):
        return Party(None, conversion.facts, "no_contract", (Reason(terms.code, actual=terms.because),))
    if row["verdict"] in (Verdict.NOT_COUNTED, Verdict.MISSING_FACT):
        facts = facts_for(terms, conversion)
        return Party(terms, facts, *_refused(row, conversion, terms, facts))
    read = facts_in_money_of(terms, case)
    if (read.refused is not None) != (row["verdict"] in (Verdict.NO_RATE, Verdict.NOT_CONVERTED)):
        raise EngineFault("the bulk engine converts money otherwise", conversion=conversion.id)
    if read.refused is not None:
        return read
    refused, reasons = _refused(row, conversion, terms, read.facts)
    return replace(read, refused=refused, reasons=reasons)


def _refused(
    row: Found, conversion: Conversion, terms: Terms, facts: Facts
) -> tuple[Outcome | None, tuple[Reason, ...]]:
    verdict = row["verdict"]
    if verdict == Verdict.ELIGIBLE:
        return None, ()
    if verdict == Verdict.NOT_COUNTED:
        found = refusals(terms, conversion) if terms.pays_conversions else (Reason("PAID_PER_DELIVERY"),)
        return "ineligible", found
    if verdict == Verdict.MISSING_FACT:
        return "held", tuple(Reason("MISSING_FACT", fact=name) for name in terms.facts_required if name not in facts)
    said = set_in(row, "said", [rule.id for rule in terms.eligibility_body.rules])
    refused, reasons = judge(terms.eligibility_body, said, facts)
    expected = "ineligible" if verdict in (Verdict.REJECTED, Verdict.REJECTED_OTHERWISE) else "held"
    if refused != expected:
        raise EngineFault("the bulk engine judges otherwise", conversion=conversion.id, bulk=expected)
    return refused, reasons


def _not_due(row: Found, rules: list[tuple[str, Any]] | Reason, facts: Facts) -> tuple[Reason, ...]:
    if isinstance(rules, Reason):
        return (rules,)
    missing = [(rule, name) for rule, formula in rules for name in facts_missing(formula, facts)]
    if row["due"] != DueCode.MISSING_FACT or not missing:
        raise EngineFault("the bulk engine misses a fact that is there")
    return tuple(Reason("MISSING_FACT", *each) for each in missing)


def _hold_against(row: Found, paid: Within, places: int, terms: Terms) -> None:
    """Hold what limits leave, as words are made of it, against what the run found."""
    said = {None: Said.RATED, "ineligible": Said.INELIGIBLE, "held": Said.HELD}[paid.refused]
    if row["said"] != said:
        raise EngineFault("the bulk engine goes beyond a limit, or not", contract=terms.contract.id)
    if paid.refused is not None:
        return
    _hold_finals(row, paid.lines, places, terms.contract.currency)


def _hold_finals(row: Found, lines: Sequence[Line], places: int, currency: str) -> None:
    columns = ("final_fallback", *(f"final_{at}" for at in range(places)))
    finals = [int(row[name]) for name in columns if row[name] is not None]
    digits = minor_digits(currency) or 0
    unit = [int(EXACT.scaleb(line.amount, digits)) for line in lines if not line.part.startswith(PART)]
    if finals != unit:
        raise EngineFault("the bulk engine pays other lines", terms=row["terms"], bulk=finals, reference=unit)


def _hold_taken(decided: Decision, rows: Sequence[Found], places: int) -> None:
    """Hold what is taken back, as the engine's own words make it, against what the run found."""
    unit = minor_digits(decided.currency) or 0
    back = [int(EXACT.scaleb(line.amount, unit)) for line in decided.lines if line.part.startswith(PART)]
    taken = [-int(row[name] or 0) for row in rows for name in taken_columns(places)]
    if [each for each in back if each] != [each for each in taken if each]:
        raise EngineFault("the bulk engine takes back other lines", conversion=decided.conversion, bulk=taken)


def payout_ids(terms: Terms) -> list[str]:
    """Return the ids of the rules that pay, as they are numbered: bonuses behind rules."""
    return [rule.id for rule in (*terms.payout_body.rules, *terms.payout_body.bonuses)]


def _formulas(terms: Terms) -> list[tuple[str, Any]]:
    body = terms.payout_body
    found: list[tuple[str, Any]] = [(rule.id, rule.then) for rule in (*body.rules, *body.bonuses)]
    return [*found, ("otherwise", body.otherwise)]


def set_in(row: Found, name: str, ids: list[str]) -> frozenset[str]:
    """Return the ids of rules whose bits are set."""
    return frozenset(each for at, each in enumerate(ids) if int(row[f"{name}_{at // MASK}"]) >> at % MASK & 1)


def known_of(conversion: Conversion, row: Found) -> Conversion:
    """Return a conversion with what a run found of its order and its customer."""
    return replace(conversion, duplicate_of=row["counted_as"], customer_order_number=row["order_number"])
