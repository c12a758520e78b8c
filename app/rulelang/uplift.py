"""Raising what payout rules pay by a percentage, as a renewal agrees it. Pure; works on rule bodies as JSON data.

Prices rise: `flat`, `per_unit`, `cpm`, the amount of a package, and in tiers the prices and the flat of each step. A
`percent` stays what it is, because it rises with what it is a percentage of; so do tiers in percent. What bounds a
payment (`clamp`, `limits`) stays, too: raising a bound is another agreement than raising a price.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from app.core.money import canonical, percent_of, plus

PRICES = ("flat", "per_unit", "cpm")
PARTS = ("sum", "least", "greatest")
# What can be written in a rule has nine digits behind the point; a price beyond that is rounded to them, half up.
_FINEST = Decimal("1e-9")
_WIDE = Context(prec=60)


def uplifted(body: Mapping[str, Any], percent: Decimal) -> dict[str, Any]:
    """Return payout rules that pay `percent` percent more per unit; rules of other kinds as they are.

    >>> uplifted({"kind": "payout", "otherwise": {"flat": "12.50"}}, Decimal("3"))["otherwise"]
    {'flat': '12.875'}
    """
    if body.get("kind") != "payout":
        return dict(body)
    raised = dict(body)
    for part in ("rules", "bonuses"):
        if part in raised:
            raised[part] = [{**rule, "then": _formula(rule["then"], percent)} for rule in raised[part]]
    if "otherwise" in raised:
        raised["otherwise"] = _formula(raised["otherwise"], percent)
    if "limits" in raised:
        raised["limits"] = [_limit(limit, percent) for limit in raised["limits"]]
    return raised


def _formula(formula: Mapping[str, Any], percent: Decimal) -> dict[str, Any]:
    """Return a formula with its prices raised; `{"hold": CODE}` has none."""
    raised = dict(formula)
    for key in PRICES:
        if key in raised:
            raised[key] = _price(raised[key], percent)
    for key in PARTS:
        if key in raised:
            raised[key] = [_formula(part, percent) for part in raised[key]]
    if "per_item" in raised:
        raised["then"] = _formula(raised["then"], percent)
    if "clamp" in raised:
        raised["clamp"] = _formula(raised["clamp"], percent)
    if "package" in raised:
        raised["package"] = {**raised["package"], "amount": _price(raised["package"]["amount"], percent)}
    if "tiers" in raised:
        raised["tiers"] = _tiers(raised["tiers"], percent)
    return raised


def _tiers(tiers: Mapping[str, Any], percent: Decimal) -> dict[str, Any]:
    keys = ("flat",) if tiers["rate"] == "percent" else ("unit", "flat")
    steps = [
        {key: _price(value, percent) if key in keys else value for key, value in step.items()}
        for step in tiers["steps"]
    ]
    return {**tiers, "steps": steps}


def _limit(limit: Mapping[str, Any], percent: Decimal) -> dict[str, Any]:
    over = limit.get("over")
    if isinstance(over, dict) and "fallback" in over:
        return {**limit, "over": {**over, "fallback": _formula(over["fallback"], percent)}}
    return dict(limit)


def _price(text: Any, percent: Decimal) -> str:
    price = Decimal(text)
    raised = plus(price, percent_of(percent, price))
    return canonical(raised.quantize(_FINEST, rounding=ROUND_HALF_UP, context=_WIDE))
