"""From the payout rules that matched to lines: hit policy, bonuses, the one rounding, then the limits."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal

from app.core.currency import minor_unit
from app.core.money import ZERO, canonical, minus, total
from app.core.rounding import round_line, shown
from app.engine.counters import Before, limit_counter
from app.engine.decision import Line, Outcome, Reason
from app.engine.matcher import Facts
from app.engine.payout.formulas import Note, facts_missing, price, word_of
from app.engine.terms import Contract
from app.rulelang.ast import Formula, Limit, Payout, Verdict

_WIDE = Context(prec=500)


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


def pay(
    body: Payout, contract: Contract, matched: frozenset[str], facts: Facts, before: Before, note: Note | None = None
) -> tuple[Outcome, tuple[Reason, ...], tuple[Line, ...]]:
    """Return `rated` with the lines that are paid, or `held` with the reasons why nothing can be."""
    rules = chosen(body, matched)
    if isinstance(rules, Reason):
        return "held", (rules,), ()
    missing = [(rule, name) for rule, formula in rules for name in facts_missing(formula, facts)]
    if missing:
        return "held", tuple(Reason("MISSING_FACT", rule, name) for rule, name in missing), ()
    lines = [_line(rule, formula, contract, price(formula, facts, before, note)) for rule, formula in rules]
    paid, reasons = limited(lines, body.limits, before, contract.currency)
    return "rated", tuple(reasons), tuple(paid)


def _line(rule: str, formula: Formula, contract: Contract, precise: Decimal) -> Line:
    rounded = round_line(precise, contract.currency, contract.rounding)
    return Line(rule, word_of(formula), precise, rounded, contract.currency)


def limited(
    lines: list[Line], limits: tuple[Limit, ...], before: Before, currency: str
) -> tuple[list[Line], list[Reason]]:
    """Cut rounded lines to what each limit leaves: exactly what is left, then zero. Each cut has a reason."""
    reasons: list[Reason] = []
    for limit in limits:
        counter = limit_counter(limit.measure, limit.window, limit.per)
        left = _whole_minor(limit.max if counter is None else minus(limit.max, before[counter]), currency)
        # What a decision takes back makes room for what it pays: the limit is on the two together.
        left = minus(left, total(line.amount for line in lines if line.amount < 0))
        cut: list[Line] = []
        for line in lines:
            amount = min(line.amount, max(left, ZERO))
            left = minus(left, max(amount, ZERO))
            if amount != line.amount:
                reasons.append(_cut_reason(limit, line, amount))
            cut.append(Line(line.rule, line.formula, line.amount_precise, amount, currency))
        lines = cut
    return lines, reasons


def _cut_reason(limit: Limit, line: Line, paid: Decimal) -> Reason:
    is_payable = limit.max == _whole_minor(limit.max, line.currency)
    most = shown(limit.max, line.currency) if is_payable else canonical(limit.max)
    expected = f"at most {most} per {limit.window}"
    actual = f"{shown(line.amount, line.currency)} due, {shown(paid, line.currency)} left"
    return Reason("LIMIT_REACHED", limit.id, None, expected, actual)


def _whole_minor(amount: Decimal, currency: str) -> Decimal:
    """Return what can be paid out of an amount in whole minor units, so that a cut line is a payable one."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_FLOOR, context=_WIDE)
