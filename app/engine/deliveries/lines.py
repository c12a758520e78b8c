"""From what the placements of a day come to, to the lines that are paid for it: the one rounding, credits, limits, and what is
missing to a guarantee. What a placement comes to is in `day.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from app.core.money import ZERO, minus, plus, total
from app.core.rounding import round_line
from app.engine.counters import Before, Counter
from app.engine.decision import Line, Outcome, Reason
from app.engine.deliveries.counted import Adjustment
from app.engine.deliveries.counting import guarantee_counter
from app.engine.matcher import Facts
from app.engine.payout.formulas import Note, facts_missing, price, word_of
from app.engine.payout.limits import Within, within_limits
from app.engine.payout.lines import FALLBACK
from app.engine.terms import Terms
from app.rulelang.ast import Fallback, Limit

OVERAGE, GUARANTEE = "overage", "minimum_guarantee"
MAKE_GOOD, CREDIT = "make_good:", "credit:"


@dataclass(slots=True)
class _Sum:
    formula: str
    amount: Decimal = ZERO
    flag: str = ""


@dataclass(slots=True)
class DueOfDay:
    """What each rule comes to over the placements of a day, and the facts that each placement was priced with."""

    sums: dict[tuple[str, str], _Sum] = field(default_factory=dict)
    priced: list[tuple[Facts, Before]] = field(default_factory=list)

    def add(self, rule: str, formula: str, amount: Decimal, flag: str, part: str = "") -> None:
        """Add what a rule comes to for one placement."""
        found = self.sums.setdefault((rule, part), _Sum(formula))
        found.amount = plus(found.amount, amount)
        found.flag = found.flag or flag


@dataclass(frozen=True, slots=True)
class PaidOfDay:
    """The lines that are paid within limits, why they are not what was due, how much of them counts for a guarantee, and
    the limits that the day is beyond. With `refused` nothing of the day is paid. Where a limit refuses its deliveries
    they do not count, though there may be lines: credits, or what is missing to a guarantee."""

    lines: tuple[Line, ...]
    reasons: tuple[Reason, ...]
    billed: Decimal
    beyond: frozenset[str]
    refused: Outcome | None
    counts: bool


def paid_lines(
    due: DueOfDay,
    credits: Sequence[Adjustment],
    terms: Terms,
    before: Before,
    note: Note | None = None,
    *,
    ends_window: bool,
) -> PaidOfDay:
    """Return what is paid for a day: each rule's sum rounded once, credits, what limits leave of both, and where a
    guarantee's window ends what is missing to it."""
    currency = terms.contract.currency
    lines = [_line(terms, rule, each, part) for (rule, part), each in due.sums.items()]
    lines += [_line(terms, CREDIT + one.id, _Sum("credit", minus(ZERO, one.amount))) for one in credits]
    repaired = [line for line in lines if is_repair(line)]

    def instead(limit: Limit) -> list[Line] | tuple[Reason, ...]:
        paid = _fallback(limit, due, terms, note)
        return paid if isinstance(paid, tuple) else [*paid, *repaired]

    within = within_limits(lines, terms.delivery_limits, before, currency, instead)
    waits = within.refused == "held"
    counts = within.refused is None
    within = _with_credits(within, lines)
    billed = total(line.amount for line in within.lines if not is_repair(line))
    # What waits for a limit to be raised is still to come, so nothing is known to be missing to a guarantee.
    ends_window = ends_window and not waits
    top = _missing_to_guarantee(terms, before, within, billed) if ends_window else None
    if top is None:
        return PaidOfDay(within.lines, within.reasons, billed, within.beyond, within.refused, counts)
    refused = None if top.lines else within.refused
    reasons = (*within.reasons, *top.reasons)
    return PaidOfDay((*within.lines, *top.lines), reasons, billed, within.beyond, refused, counts)


def _with_credits(within: Within, due: Sequence[Line]) -> Within:
    """Return what limits leave, with all credits: they give money back for earlier days, which no limit on what is paid
    for this one can undo."""
    credits = {line.rule: line for line in due if line.rule.startswith(CREDIT)}
    if within.refused is None:
        return replace(within, lines=tuple(credits.get(line.rule, line) for line in within.lines))
    return replace(within, lines=tuple(credits.values()), refused=None) if credits else within


def is_repair(line: Line) -> bool:
    """Tell whether a line puts right what went wrong earlier. It is billed for no delivery of its day."""
    return line.rule.startswith((MAKE_GOOD, CREDIT))


def _fallback(limit: Limit, due: DueOfDay, terms: Terms, note: Note | None) -> list[Line] | tuple[Reason, ...]:
    """Return what the fallback of a limit pays in place of all rules of the day, or the facts that it lacks."""
    assert isinstance(limit.over, Fallback)
    formula = limit.over.formula
    missing = sorted({name for facts, _ in due.priced for name in facts_missing(formula, facts)})
    if missing:
        return tuple(Reason("MISSING_FACT", limit.id, name) for name in missing)
    amount = total(price(formula, facts, before, note) for facts, before in due.priced)
    return [_line(terms, limit.id, _Sum(word_of(formula), amount), FALLBACK)]


def _missing_to_guarantee(terms: Terms, before: Before, within: Within, billed: Decimal) -> Within | None:
    """Return the line of what is missing to a guarantee, within limits. Rounded amounts were billed, so these count."""
    guarantee, counter = terms.delivery_terms.guarantee, guarantee_counter(terms.delivery_terms)
    if guarantee is None or counter is None:
        return None
    missing = minus(guarantee.amount, plus(before[counter], billed))
    if missing <= 0:
        return None
    top = _line(terms, GUARANTEE, _Sum("flat", missing), GUARANTEE)
    paid = total(line.amount for line in within.lines)
    return within_limits([top], terms.delivery_limits, _advanced(before, paid), terms.contract.currency, lambda _: [])


def _line(terms: Terms, rule: str, due: _Sum, part: str = "") -> Line:
    contract = terms.contract
    rounded = round_line(due.amount, contract.currency, contract.rounding)
    return Line(rule, due.formula, due.amount, rounded, contract.currency, part, flag=due.flag)


def _advanced(before: Before, paid: Decimal) -> dict[Counter, Decimal]:
    return {counter: plus(held, paid) if counter.measure == "amount" else held for counter, held in before.items()}
