"""What limits leave of the rounded lines of a decision: for a conversion and for deliveries alike. Nothing is priced here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Context, Decimal

from app.core.currency import minor_unit
from app.core.money import ZERO, canonical, minus, total
from app.core.rounding import shown
from app.engine.counters import Before, limit_counter
from app.engine.decision import Line, Outcome, Reason
from app.rulelang.ast import Fallback, Limit

Instead = Callable[[Limit], list[Line] | tuple[Reason, ...]]
"""Returns what the fallback of a limit pays for the decision, rounded, or why it cannot be priced."""

Lines = tuple[Line, ...]

_WIDE = Context(prec=500)


@dataclass(frozen=True, slots=True)
class Within:
    """What limits leave of a decision: the lines it pays, why they are not what was due, and the limits that it is
    beyond, paid by their fallbacks. With `refused` it pays nothing and counts for nothing."""

    lines: Lines
    reasons: tuple[Reason, ...] = ()
    beyond: frozenset[str] = frozenset()
    refused: Outcome | None = None


def within_limits(
    due: list[Line], limits: tuple[Limit, ...], before: Before, currency: str, instead: Instead
) -> Within:
    """Return what limits leave of rounded lines. They work in the order written, each on what the former left; `before`
    is what their counters hold.

    What a fallback pays is due anew: all limits look at it from the first on, but for those that the decision is
    beyond. So no limit is ever passed unseen, and each fallback is taken once at most.
    """
    lines: Lines = tuple(due)
    taken: tuple[Reason, ...] = ()
    beyond: frozenset[str] = frozenset()
    while True:
        found = _to_the_first_fallback(lines, [each for each in limits if each.id not in beyond], before, currency)
        if not isinstance(found, _Full):
            return replace(found, reasons=(*taken, *found.reasons), beyond=beyond)
        taken, beyond = (*taken, found.reason), beyond | {found.limit.id}
        priced = instead(found.limit)
        if isinstance(priced, tuple):
            return Within((), (*taken, *priced), refused="held")
        lines = tuple(priced)


@dataclass(frozen=True, slots=True)
class _Full:
    """A limit without room for a decision, which its fallback pays then."""

    limit: Limit
    reason: Reason


def _to_the_first_fallback(lines: Lines, limits: list[Limit], before: Before, currency: str) -> Within | _Full:
    """Return what limits leave of lines, or the first one that has no room for them and pays something else instead."""
    reasons: list[Reason] = []
    for limit in limits:
        counter = limit_counter(limit)
        used = ZERO if counter is None else before[counter]
        if limit.over == "partial":
            lines, cuts = _cut(limit, lines, payable(minus(limit.max, used), currency), currency)
            reasons += cuts
            continue
        reason = _no_room(limit, lines, used, currency)
        if reason is None:
            continue
        if isinstance(limit.over, Fallback):
            return _Full(limit, reason)
        reasons.append(reason)
        if limit.over != "zero":
            return Within((), tuple(reasons), refused="ineligible" if limit.over == "reject" else "held")
        lines = tuple(replace(line, amount=ZERO) for line in lines)
    return Within(lines, tuple(reasons))


def _cut(limit: Limit, lines: Lines, left: Decimal, currency: str) -> tuple[Lines, list[Reason]]:
    """Return lines cut to what a limit leaves, the first ones first: exactly what is left, then zero."""
    reasons: list[Reason] = []
    # What a decision takes back makes room for what it pays: the limit is on the two together.
    left = minus(left, total(line.amount for line in lines if line.amount < 0))
    cut: list[Line] = []
    for line in lines:
        amount = min(line.amount, max(left, ZERO))
        left = minus(left, max(amount, ZERO))
        if amount != line.amount:
            reasons.append(_reason(limit, currency, _due_and_left(line.amount, amount, currency)))
        cut.append(replace(line, amount=amount))
    return tuple(cut), reasons


def _no_room(limit: Limit, lines: Lines, used: Decimal, currency: str) -> Reason | None:
    """Return why a limit has no room for a decision as a whole, or None where it has. What pays nothing needs none."""
    if limit.measure == "count":
        if used < limit.max or not is_paid(lines):
            return None
        return _reason(limit, currency, f"{canonical(used)} paid already")
    due = total(line.amount for line in lines)
    left = max(payable(minus(limit.max, used), currency), ZERO)
    return None if due <= left else _reason(limit, currency, _due_and_left(due, left, currency))


def is_paid(lines: Lines) -> bool:
    """Tell whether anything is paid: what a limit on conversions counts. A deduction alone is no payment."""
    return any(line.amount > 0 for line in lines)


def payable(amount: Decimal, currency: str) -> Decimal:
    """Return what can be paid out of an amount in whole minor units, so that what is left is payable."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_FLOOR, context=_WIDE)


def _reason(limit: Limit, currency: str, actual: str) -> Reason:
    return Reason("LIMIT_REACHED", limit.id, None, f"at most {_most(limit, currency)} {_span(limit)}", actual)


def _due_and_left(due: Decimal, left: Decimal, currency: str) -> str:
    return f"{shown(due, currency)} due, {shown(left, currency)} left"


def _most(limit: Limit, currency: str) -> str:
    if limit.measure == "count":
        return f"{canonical(limit.max)} paid conversion{'' if limit.max == 1 else 's'}"
    return shown(limit.max, currency) if limit.max == payable(limit.max, currency) else canonical(limit.max)


def _span(limit: Limit) -> str:
    """Return over what a limit is, for the reader of one contract's decision: "per month", "per customer and day"."""
    window = limit.window.replace("_", " ")
    if limit.window == "event":
        return "per conversion"
    if limit.window == "contract":
        return f"per {limit.per}"
    return f"per {window}" if limit.per == "contract" else f"per {limit.per} and {window}"
