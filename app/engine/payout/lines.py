"""From the payout rules that matched to lines: hit policy, bonuses, the one rounding. Limits are `limits.py`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from app.core.fractions import WHOLE, as_decimal
from app.core.rounding import Rounding, round_parts
from app.engine.counters import Before
from app.engine.decision import ADJUSTMENT, Line, Outcome, Reason
from app.engine.matcher import Facts
from app.engine.payout.adjustments import adjustments, bookings
from app.engine.payout.formulas import Note, facts_missing, price, word_of
from app.engine.payout.limits import within_limits
from app.engine.payout.volume_tables import VolumeTable, tables_in
from app.engine.terms import Contract
from app.rulelang.ast import Fallback, Formula, Limit, Payout, Verdict

FALLBACK = "fallback"
"""The part of a line that the fallback of a limit pays, in place of all that was due."""


def chosen(body: Payout, matched: frozenset[str]) -> list[tuple[str, Formula]] | Reason:
    """Return the rules that pay with their formulas, by hit policy and with bonuses, or why payment is held."""
    hits = [(rule.id, rule.then) for rule in body.rules if rule.id in matched]
    if body.hit == "unique" and len(hits) > 1:
        return Reason("AMBIGUOUS_PAYOUT", ", ".join(rule for rule, _ in hits))
    if not hits:
        if isinstance(body.otherwise, Verdict):
            return Reason(body.otherwise.code, "otherwise")
        hits = [("otherwise", body.otherwise)]
    bonuses = [(bonus.id, bonus.then) for bonus in body.bonuses if bonus.id in matched]
    return (hits if body.hit == "sum" else hits[:1]) + bonuses


@dataclass(frozen=True, slots=True)
class DueLine:
    """One amount that is due before it is rounded: exactly, with the share of the credit in it, unless it is a bonus."""

    rule: str
    formula: str
    amount: Fraction
    is_shared: bool
    part: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """What a contract owes for a conversion before rounding, or why nothing can be said to be due."""

    contract: Contract
    lines: tuple[DueLine, ...] = ()
    refused: Outcome | None = None
    reasons: tuple[Reason, ...] = ()
    # The volume tables that its lines are paid by, with the share in which each pays.
    tables: tuple[tuple[VolumeTable, Fraction], ...] = ()

    def booked(self, facts: Facts, before: Before, beyond: frozenset[str]) -> dict[str, Decimal]:
        """Return what these tables book of the facts, by `Counter.key`: nothing where a fallback pays in their place."""
        paying = () if beyond else self.tables
        return {key: of for table, share in paying for key, of in bookings(table, facts, before, share).items()}


def pay(
    body: Payout, contract: Contract, matched: frozenset[str], facts: Facts, before: Before
) -> tuple[Outcome, tuple[Reason, ...], tuple[Line, ...]]:
    """Return `rated` with the lines that are paid for the whole credit, or another outcome with the reasons for it."""
    due = due_lines(body, contract, matched, facts, before)
    if due.refused is not None:
        return due.refused, due.reasons, ()
    rounded = rounded_together({"": due})[""]
    paid = within_limits(
        rounded,
        body.limits,
        before,
        contract.currency,
        lambda limit: fallback_lines(limit, contract, facts, before, WHOLE, rounded),
    )
    return paid.refused or "rated", paid.reasons, paid.lines


def due_lines(
    body: Payout,
    contract: Contract,
    matched: frozenset[str],
    facts: Facts,
    before: Before,
    share: Fraction = WHOLE,
    note: Note | None = None,
) -> Due:
    """Return what is due under a payout when these rules match, for a share of the credit; bonuses are not shared."""
    rules = chosen(body, matched)
    if isinstance(rules, Reason):
        return Due(contract, refused="held", reasons=(rules,))
    missing = [(rule, name) for rule, formula in rules for name in facts_missing(formula, facts)]
    if missing:
        return Due(contract, refused="held", reasons=tuple(Reason("MISSING_FACT", *each) for each in missing))
    bonuses = {bonus.id for bonus in body.bonuses}
    lines: list[DueLine] = []
    booking: list[tuple[VolumeTable, Fraction]] = []
    for rule, formula in rules:
        tables = list(tables_in(rule, formula))
        is_bonus = rule in bonuses
        of_it = WHOLE if is_bonus else share
        amount = Fraction(price(formula, facts, before, note, tables)) * of_it
        lines.append(DueLine(rule, word_of(formula), amount, not is_bonus))
        booking += [(table, of_it) for table in tables]
    return Due(contract, (*lines, *_adjusting(body, facts, before, note)), tables=tuple(booking))


def _adjusting(body: Payout, facts: Facts, before: Before, note: Note | None) -> list[DueLine]:
    """Return what is due on earlier lines, one line a rule."""
    by_rule: dict[str, Fraction] = {}
    for found in adjustments(body, facts, before):
        by_rule[found.rule] = by_rule.get(found.rule, Fraction(0)) + Fraction(found.amount)
        if note is not None:
            note(found.words)
    return [DueLine(rule, "tiers", amount, False, ADJUSTMENT) for rule, amount in by_rule.items()]


def rounded_together(due: Mapping[str, Due]) -> dict[str, list[Line]]:
    """Round each line, by partner. Where several partners share a conversion, their lines in the same place and
    currency are parts of a whole: they sum to the whole, rounded. Ties go to the earlier partner."""
    together: dict[tuple[str, Rounding, int], list[tuple[str, Fraction]]] = {}
    for partner, found in due.items():
        for place, line in enumerate(found.lines):
            if line.is_shared:
                key = (found.contract.currency, found.contract.rounding, place)
                together.setdefault(key, []).append((partner, line.amount))
    rounded: dict[tuple[str, int], Decimal] = {}
    for (currency, rounding, place), parts in together.items():
        amounts = round_parts([amount for _, amount in parts], currency, rounding)
        rounded |= {(partner, place): amount for (partner, _), amount in zip(parts, amounts, strict=True)}
    return {
        partner: [_line(found.contract, line, rounded.get((partner, place))) for place, line in enumerate(found.lines)]
        for partner, found in due.items()
    }


def _line(contract: Contract, line: DueLine, rounded: Decimal | None) -> Line:
    currency = contract.currency
    if rounded is None:
        (rounded,) = round_parts([line.amount], currency, contract.rounding)
    return Line(line.rule, line.formula, as_decimal(line.amount), rounded, currency, line.part)


def fallback_lines(
    limit: Limit,
    contract: Contract,
    facts: Facts,
    before: Before,
    share: Fraction,
    due: Sequence[Line],
    note: Note | None = None,
) -> list[Line] | tuple[Reason, ...]:
    """Return what the fallback of a limit pays for a share of the credit, rounded: one line under the limit's name, in
    place of all that was due for this conversion, bonuses too; what it changes on earlier ones stays due. Or the facts
    that it lacks."""
    assert isinstance(limit.over, Fallback)
    formula = limit.over.formula
    missing = facts_missing(formula, facts)
    if missing:
        return tuple(Reason("MISSING_FACT", limit.id, name) for name in missing)
    amount = Fraction(price(formula, facts, before, note)) * share
    line = _line(contract, DueLine(limit.id, word_of(formula), amount, is_shared=True), None)
    return [replace(line, part=FALLBACK), *(each for each in due if each.part == ADJUSTMENT)]
