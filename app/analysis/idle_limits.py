"""Limits that never change what is paid: another one is always reached first, or nothing is ever paid above zero; and
limits that leave nothing at all."""

from __future__ import annotations

from decimal import Decimal
from typing import NoReturn

from app.analysis.findings import Analysed, Total, Witness, found
from app.core.money import ZERO, canonical, plus, total
from app.engine.counters import limit_counter
from app.engine.decision import Line
from app.engine.payout.limits import within_limits
from app.rulelang.ast import (
    Clamp,
    Cpm,
    Fallback,
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
from app.rulelang.printer import limit_text, money_text, most_text

_CURRENCY = "USD"


def idle_limits(payout: Payout) -> list[Analysed]:
    """Return the limits that never bind, and those that leave nothing, each once."""
    formulas = [rule.then for rule in (*payout.rules, *payout.bonuses)]
    formulas += [] if isinstance(payout.otherwise, Verdict) else [payout.otherwise]
    formulas += [limit.over.formula for limit in payout.limits if isinstance(limit.over, Fallback)]
    most = [most_of(formula) for formula in formulas]
    if payout.limits and all(each is not None and each <= 0 for each in most):
        return [_nothing_to_limit(limit) for limit in payout.limits]
    return [found for limit in payout.limits if (found := _seen(limit, payout)) is not None]


def _seen(limit: Limit, payout: Payout) -> Analysed | None:
    other = tighter(limit, payout.limits)
    if other is not None:
        return _reached_first(other, limit)
    if limit.window == "event" and limit.measure == "count" and limit.max >= 1:
        return _one_is_one(limit)
    return _leaves_nothing(limit) if not limit.max else None


def tighter(limit: Limit, limits: tuple[Limit, ...]) -> Limit | None:
    """Return a limit on the same money that leaves less; of two that leave the same, the first one counts.

    Both run on one counter, and do the same to what goes beyond. So the tighter one alone comes to what both come to,
    whichever of them stands first. Each limit with a fallback has a counter of its own.
    """
    same = [each for each in limits if _span(each) == _span(limit) and not isinstance(each.over, Fallback)]
    if limit not in same:
        return None
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
    first = f"{tighter.id} ({most_text(tighter)}) leaves no more"
    message = f"{limit.id} ({most_text(limit)}) never changes what is paid: {first}"
    hint = "leave it out, or lower its maximum"
    return found("limit_never_binds", limit.pointer, message, hint, _paid_alike(tighter, limit))


def _paid_alike(tighter: Limit, limit: Limit) -> Witness:
    """Return an amount that would be due beyond both, and what is paid of it with both and with the tighter one."""
    due = plus(limit.max, Decimal(1))
    if limit.measure == "count":
        says = f"after {canonical(tighter.max)} paid ones, the next is decided alike with {limit.id} and without it"
        return Witness(says)
    paid = _paid(due, (tighter, limit))
    assert paid == _paid(due, (tighter,)), (tighter, limit)
    says = f"of {money_text(due)} due at once, {money_text(paid)} are paid with {limit.id} and without it"
    return Witness(says, totals=(Total(due, paid),))


def _paid(due: Decimal, limits: tuple[Limit, ...]) -> Decimal:
    """Return what the limits leave of an amount, in a currency with cents."""
    line = Line("example", "flat", due, due, _CURRENCY)
    before = {counter: ZERO for limit in limits if (counter := limit_counter(limit)) is not None}
    return total(cut.amount for cut in within_limits([line], limits, before, _CURRENCY, _no_fallback).lines)


def _no_fallback(limit: Limit) -> NoReturn:
    raise AssertionError(f"{limit.id} pays nothing beyond it")


def _one_is_one(limit: Limit) -> Analysed:
    message = f"{limit.id} ({most_text(limit)}) never changes what is paid: a conversion is one conversion"
    hint = "count over a longer window, or leave it out"
    return found("limit_never_binds", limit.pointer, message, hint, Witness("the first of one is always paid"))


def _leaves_nothing(limit: Limit) -> Analysed:
    message = f"{limit.id} ({most_text(limit)}) leaves nothing: {limit_text(limit).rpartition('; ')[2]}, always"
    says = "nothing was paid before it, and nothing is left"
    hint = "raise its maximum, or pay nothing by the rules"
    return found("limit_leaves_nothing", limit.pointer, message, hint, Witness(says, totals=(Total(ZERO, ZERO),)))


def _nothing_to_limit(limit: Limit) -> Analysed:
    message = f"{limit.id} never changes what is paid: no formula of this payout pays more than zero"
    says = "at most 0.00 is ever due, and a limit is on what is paid"
    return found(
        "limit_never_binds", limit.pointer, message, "leave it out", Witness(says, totals=(Total(ZERO, ZERO),))
    )
