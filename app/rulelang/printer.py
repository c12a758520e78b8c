"""Rules as English: what a condition, a formula and a comparison say. For traces, `check` and approvers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from app.core.instants import write_instant
from app.core.money import canonical
from app.rulelang.ast import (
    AllOf,
    Always,
    Amount,
    AnyOf,
    Attribution,
    Body,
    Clamp,
    Condition,
    Cpm,
    Eligibility,
    Flat,
    Formula,
    Greatest,
    Leaf,
    Least,
    Limit,
    Not,
    Package,
    Payout,
    Percent,
    PerUnit,
    Scalar,
    Sum,
    Tiers,
    Verdict,
)
from app.rulelang.operators import OPERATORS


def value_text(value: Scalar | None) -> str:
    """Return a typed value as a person would write it; "absent" for none."""
    match value:
        case None:
            return "absent"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return money_text(value)
        case datetime():
            return write_instant(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)


def money_text(amount: Decimal) -> str:
    """Return a decimal with two places at least, so that money reads as money: "5.00", "0.125"."""
    text = canonical(amount)
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


def expectation(leaf: Leaf) -> str:
    """Return what a leaf expects, short: "≥ 5.00"."""
    return f"{OPERATORS[leaf.op].symbol} {_values(leaf.op, leaf.expected)}".strip()


def condition_text(condition: Condition) -> str:
    """Return a condition as a clause."""
    match condition:
        case Always():
            return "always"
        case Leaf(fact, op, expected):
            words = f"{fact} {OPERATORS[op].words} {_values(op, expected)}".strip()
            return words + (" (or is missing)" if condition.if_missing == "match" else "")
        case Not(part):
            return f"not ({condition_text(part)})"
        case AllOf(parts):
            return " and ".join(_grouped(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_grouped(part) for part in parts)


def _grouped(condition: Condition) -> str:
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, AllOf | AnyOf) else text


def _values(op: str, expected: Sequence[Scalar]) -> str:
    texts = [value_text(value) for value in expected[:10]]
    if op == "between":
        return " and ".join(texts)
    return ", ".join(texts) + (f" … ({len(expected)} in all)" if len(expected) > 10 else "")


def formula_text(formula: Formula) -> str:
    """Return a formula as a phrase."""
    match formula:
        case Flat(amount):
            return money_text(amount)
        case Percent(rate, of):
            return f"{canonical(rate)} % of {of}"
        case PerUnit(amount, of):
            return f"{money_text(amount)} per {of}"
        case Cpm(amount, of):
            return f"{money_text(amount)} per thousand {of}"
        case Amount(fact):
            return f"the amount of {fact}"
        case Package(size, amount, free, way, of):
            after = f" after {canonical(free)} free" if free else ""
            return f"{money_text(amount)} per {canonical(size)} {of}{after}, rounded {way}"
        case Sum(parts):
            return " plus ".join(formula_text(part) for part in parts)
        case Least(parts):
            return f"the least of {', '.join(formula_text(part) for part in parts)}"
        case Greatest(parts):
            return f"the greatest of {', '.join(formula_text(part) for part in parts)}"
        case Clamp(part, low, high):
            ends = [f"at least {money_text(low)}"] if low is not None else []
            ends += [f"at most {money_text(high)}"] if high is not None else []
            return f"{formula_text(part)}, {' and '.join(ends)}"
        case Tiers():
            return _tiers_text(formula)


def _tiers_text(tiers: Tiers) -> str:
    counted = "conversions" if tiers.by.fact is None else tiers.by.fact
    span = "" if tiers.window == "event" else f" of a {tiers.window.replace('_', ' ')}"
    slices = []
    for index, step in enumerate(tiers.steps):
        unit = f"{canonical(step.unit)} %" if tiers.rate == "percent" else money_text(step.unit)
        flat = f" plus {money_text(step.flat)}" if step.flat else ""
        end = f"up to {canonical(step.up_to)}" if step.up_to is not None else "beyond" if index else "for all"
        slices.append(f"{unit}{flat} {end}")
    return f"{tiers.mode} by {counted}{span}: {', '.join(slices)}"


def verdict_text(verdict: Verdict) -> str:
    """Return what an eligibility rule says."""
    return verdict.action if verdict.action == "accept" else f"{verdict.action} as {verdict.code}"


def limit_text(limit: Limit) -> str:
    """Return a limit as a phrase."""
    return f"at most {money_text(limit.max)} per {limit.per} and {limit.window}; what goes beyond is paid in part"


def body_lines(body: Body) -> list[str]:
    """Return a rule body as one English sentence a line."""
    match body:
        case Eligibility(rules, otherwise):
            lines = [f"{rule.id}: {verdict_text(rule.then)} when {condition_text(rule.when)}" for rule in rules]
            return [*lines, f"otherwise: {verdict_text(otherwise)}"]
        case Attribution(claims):
            verb = "accepted" if claims == "accept" else "refused"
            return [f"a claim without a qualifying touch is {verb}"]
        case Payout():
            end = body.otherwise
            last = verdict_text(end) if isinstance(end, Verdict) else "pay " + formula_text(end)
            return [
                *(f"{rule.id}: pay {formula_text(rule.then)} when {condition_text(rule.when)}" for rule in body.rules),
                f"otherwise: {last}",
                *(f"bonus {b.id}: add {formula_text(b.then)} when {condition_text(b.when)}" for b in body.bonuses),
                *(f"limit {limit.id}: {limit_text(limit)}" for limit in body.limits),
            ]
