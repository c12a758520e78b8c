"""Typed rule bodies back to JSON data, in the normal spelling. How they read as English is `printer.py`.

Reading what is written here gives the same body. The normal spelling is the one of many that is written: numbers without
zeros that say nothing ("5", not "5.00"), instants in UTC, durations in days, hours, minutes and seconds, an integer as a
number while it is below 2^53, and no key that says what holds anyway (`free: "0"`, an empty `name`). A body written in it
keeps its hash; the order of keys never mattered to that.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.core.durations import write_duration
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
    EligibilityRule,
    Fallback,
    Flat,
    Formula,
    Greatest,
    Items,
    Leaf,
    Least,
    Limit,
    Not,
    Package,
    Payout,
    PayoutRule,
    Percent,
    PerItem,
    PerUnit,
    QualifyRule,
    Scalar,
    Step,
    Sum,
    Tiers,
    Verdict,
)
from app.rulelang.facts import LARGEST_JSON
from app.rulelang.operators import OPERATORS


def write_body(body: Body) -> dict[str, Any]:
    """Return a rule body as JSON data in the normal spelling."""
    match body:
        case Eligibility(rules, otherwise):
            return {"kind": "eligibility", "rules": [_rule(rule) for rule in rules], "otherwise": _verdict(otherwise)}
        case Attribution(claims, qualify):
            touches = [_qualify_rule(rule) for rule in qualify]
            return {"kind": "attribution", "claims": claims, **_unless(not touches, "qualify", touches)}
        case Payout():
            end = body.otherwise
            return {
                "kind": "payout",
                "on": body.on,
                "hit": body.hit,
                "rules": [_rule(rule) for rule in body.rules],
                "otherwise": _verdict(end) if isinstance(end, Verdict) else write_formula(end),
                **_unless(not body.bonuses, "bonuses", [_rule(bonus) for bonus in body.bonuses]),
                **_unless(not body.limits, "limits", [_limit(limit) for limit in body.limits]),
                **_unless(body.counters is None, "counters", body.counters),
            }


def _unless(is_said_anyway: bool, key: str, value: Any) -> dict[str, Any]:
    return {} if is_said_anyway else {key: value}


def _rule(rule: EligibilityRule | PayoutRule) -> dict[str, Any]:
    then = rule.then
    return {**_qualify_rule(rule), "then": _verdict(then) if isinstance(then, Verdict) else write_formula(then)}


def _qualify_rule(rule: EligibilityRule | PayoutRule | QualifyRule) -> dict[str, Any]:
    """Return what all rules have: all there is to one that says which touches count."""
    return {"id": rule.id, **_unless(not rule.name, "name", rule.name), "when": write_condition(rule.when)}


def _verdict(verdict: Verdict) -> Any:
    return "accept" if verdict.action == "accept" else {verdict.action: verdict.code}


def _limit(limit: Limit) -> dict[str, Any]:
    words = {"id": limit.id, "measure": limit.measure, "per": limit.per, "window": limit.window}
    over = {"fallback": write_formula(limit.over.formula)} if isinstance(limit.over, Fallback) else limit.over
    return {**words, "max": canonical(limit.max), "over": over}


def write_condition(condition: Condition) -> dict[str, Any]:
    """Return a condition as JSON data."""
    match condition:
        case Always():
            return {"always": True}
        case AllOf(parts):
            return {"all": [write_condition(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [write_condition(part) for part in parts]}
        case Not(part):
            return {"not": write_condition(part)}
        case Items(quantifier, fact, where):
            return {quantifier: fact, "where": write_condition(where), **_if_missing(condition)}
        case Leaf(fact, op):
            return {"fact": fact, "op": op, **_value(condition), **_if_missing(condition)}


def _if_missing(condition: Leaf | Items) -> dict[str, Any]:
    return _unless(condition.if_missing is None, "if_missing", condition.if_missing)


def _value(leaf: Leaf) -> dict[str, Any]:
    """Return what a leaf compares with; what came from a parameter or a list is named and not written out."""
    if leaf.other_fact is not None:
        return {"value": {"fact": leaf.other_fact}}
    if leaf.source is not None:
        return {"value": {leaf.source.kind: leaf.source.name}}
    match OPERATORS[leaf.op].arity:
        case 0:
            return {}
        case 1:
            return {"value": write_scalar(leaf.expected[0])}
        case _:
            return {"value": [write_scalar(value) for value in leaf.expected]}


def write_scalar(value: Scalar) -> Any:
    """Return a typed value as JSON data.

    >>> write_scalar(Decimal("5.00")), write_scalar(5), write_scalar(2**53), write_scalar(timedelta(minutes=90))
    ('5', 5, '9007199254740992', 'PT1H30M')
    """
    match value:
        case bool() | str():
            return value
        case int():
            return value if abs(value) <= LARGEST_JSON else str(value)
        case Decimal():
            return canonical(value)
        case datetime():
            return write_instant(value)
        case timedelta():
            return write_duration(value)
        case _:
            return value.isoformat()


def write_formula(formula: Formula) -> dict[str, Any]:
    """Return a formula as JSON data."""
    match formula:
        case Flat(amount):
            return {"flat": canonical(amount)}
        case Percent(rate, of):
            return {"percent": canonical(rate), "of": of}
        case PerUnit(amount, of):
            return {"per_unit": canonical(amount), "of": of}
        case Cpm(amount, of):
            return {"cpm": canonical(amount), "of": of}
        case Amount(fact):
            return {"amount": fact}
        case Package(size, amount, free, way, of):
            more = {**_unless(not free, "free", canonical(free)), **_unless(way == "up", "round", way)}
            return {"package": {"size": canonical(size), "amount": canonical(amount), **more}, "of": of}
        case Tiers():
            return {"tiers": _tiers(formula)}
        case PerItem(items, where, then, times):
            which = {} if where == Always() else {"where": write_condition(where)}
            return {"per_item": items, **which, "then": write_formula(then), **_unless(times is None, "times", times)}
        case Sum(parts):
            return {"sum": [write_formula(part) for part in parts]}
        case Least(parts):
            return {"least": [write_formula(part) for part in parts]}
        case Greatest(parts):
            return {"greatest": [write_formula(part) for part in parts]}
        case Clamp(part, low, high):
            ends = {"min": low, "max": high}
            written = {end: canonical(value) for end, value in ends.items() if value is not None}
            return {"clamp": write_formula(part), **written}


def _tiers(tiers: Tiers) -> dict[str, Any]:
    return {
        "mode": tiers.mode,
        "by": {"count": True} if tiers.by.fact is None else {"sum": tiers.by.fact},
        "window": tiers.window,
        "rate": tiers.rate,
        "steps": [_step(step) for step in tiers.steps],
        **_unless(tiers.crossing == "split", "crossing", tiers.crossing),
        **_unless(not tiers.flat_at_zero, "flat_at_zero", True),
    }


def _step(step: Step) -> dict[str, Any]:
    up_to = None if step.up_to is None else canonical(step.up_to)
    return {"up_to": up_to, "unit": canonical(step.unit), **_unless(not step.flat, "flat", canonical(step.flat))}
