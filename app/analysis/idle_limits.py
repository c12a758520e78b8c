"""Limits that never change what is paid: another one is always reached first, or nothing is ever paid above zero."""

from __future__ import annotations

from decimal import Decimal

from app.analysis.findings import Analysed, Total, Witness, found
from app.core.money import ZERO, plus, total
from app.engine.counters import Counter
from app.engine.decision import Line
from app.engine.payout.lines import limited
from app.rulelang.ast import (
    Clamp,
    Cpm,
    Flat,
    Formula,
    Greatest,
    Least,
    Limit,
    Package,
    Payout,
    Percent,
    PerUnit,
    Sum,
    Tiers,
    Verdict,
)  # fmt: skip
from app.rulelang.printer import money_text

_CURRENCY = "USD"


def idle_limits(payout: Payout) -> list[Analysed]:
    """Return the limits that never bind, each once."""
    formulas = [rule.then for rule in (*payout.rules, *payout.bonuses)]
    formulas += [] if isinstance(payout.otherwise, Verdict) else [payout.otherwise]
    most = [most_of(formula) for formula in formulas]
    if payout.limits and all(each is not None and each <= 0 for each in most):
        return [_nothing_to_limit(limit) for limit in payout.limits if limit.measure == "amount"]
    tighter = ((limit, _tighter(limit, payout.limits)) for limit in payout.limits)
    return [_reached_first(other, limit) for limit, other in tighter if other is not None]


def _tighter(limit: Limit, limits: tuple[Limit, ...]) -> Limit | None:
    """Return a limit on the same money that leaves less; of two that leave the same, the first one counts.

    Both run on one counter, and lines are cut in the same order by both. So the tighter one alone comes to what both
    come to, whichever of them stands first.
    """
    same = [each for each in limits if _span(each) == _span(limit)]
    least = min(same, key=lambda each: each.max)
    return None if least is limit else least


def _span(limit: Limit) -> tuple[str, str, str, object]:
    return limit.measure, limit.per, limit.window, limit.over


def most_of(formula: Formula) -> Decimal | None:
    """Return a bound that no amount of a formula is above, or None where none is known. It need not be reached."""
    match formula:
        case Flat(amount):
            return amount
        case Percent(rate) | PerUnit(rate) | Cpm(rate):
            return None if rate else ZERO
        case Package(_, amount):
            return ZERO if amount <= 0 else None
        case Tiers():
            return ZERO if _pays_nothing(formula) else None
        case Sum(parts):
            known = [most for part in parts if (most := most_of(part)) is not None]
            return total(known) if len(known) == len(parts) else None
        case Least(parts):
            return min((most for part in parts if (most := most_of(part)) is not None), default=None)
        case Greatest(parts):
            known = [most for part in parts if (most := most_of(part)) is not None]
            return max(known) if len(known) == len(parts) else None
        case Clamp(part, low, high):
            below = most_of(part)
            most = below if high is None else high if below is None else min(below, high)
            return most if low is None or most is None else max(most, low)
    return None


def _pays_nothing(tiers: Tiers) -> bool:
    """Tell whether a table never pays above zero. Over a longer window a refund takes back what was negative before."""
    if tiers.window == "event":
        return all(step.unit <= 0 and step.flat <= 0 for step in tiers.steps)
    return not any(step.unit or step.flat for step in tiers.steps)


def _reached_first(tighter: Limit, limit: Limit) -> Analysed:
    due = plus(limit.max, Decimal(1))
    paid = _paid(due, (tighter, limit))
    assert paid == _paid(due, (tighter,)), (tighter, limit)
    says = f"of {money_text(due)} due in a {limit.window}, {money_text(paid)} are paid with {limit.id} and without it"
    first = f"{tighter.id} (at most {money_text(tighter.max)}) leaves no more"
    message = f"{limit.id} (at most {money_text(limit.max)}) never changes what is paid: {first}"
    hint = "leave it out, or lower its maximum"
    return found("limit_never_binds", limit.pointer, message, hint, Witness(says, totals=(Total(due, paid),)))


def _paid(due: Decimal, limits: tuple[Limit, ...]) -> Decimal:
    """Return what the limits leave of an amount, in a currency with cents."""
    line = Line("example", "flat", due, due, _CURRENCY)
    lines, _ = limited([line], limits, {Counter(limit.measure, limit.window): ZERO for limit in limits}, _CURRENCY)
    return total(cut.amount for cut in lines)


def _nothing_to_limit(limit: Limit) -> Analysed:
    message = f"{limit.id} never changes what is paid: no formula of this payout pays more than zero"
    says = "at most 0.00 is ever due, and a limit is on what is paid"
    return found(
        "limit_never_binds", limit.pointer, message, "leave it out", Witness(says, totals=(Total(ZERO, ZERO),))
    )
