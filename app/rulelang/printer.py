"""Rules as English: what a condition, a formula and a comparison say. For traces, `check` and approvers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from app.core.canonical import record_hash
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
    Record,
    Scalar,
    Step,
    Sum,
    Tiers,
    Value,
    Verdict,
)
from app.rulelang.operators import OPERATORS, OPPOSITE

MOST_SHOWN = 10  # members of a list in a sentence


def value_text(value: Value | None) -> str:
    """Return a typed value as records keep it; "absent" for none. Sentences use `value_words`.

    What is kept is hashed, so no two values of a type may read alike: a list is JSON, where ["a, b"] is not ["a", "b"],
    and so are records, with their fields in order of name.
    """
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
        case timedelta():
            return write_duration(value)
        case tuple():
            return _list_text(value)
        case _:
            return str(value)


def _list_text(members: tuple[str, ...] | tuple[Record, ...]) -> str:
    readable = [
        member if isinstance(member, str) else {name: value_text(value) for name, value in sorted(member.items())}
        for member in members
    ]
    return json.dumps(readable, ensure_ascii=False)


def value_words(value: Value | None) -> str:
    """Return a typed value for a sentence: as `value_text`, with quotes where text could be taken for something else,
    and a long list cut.

    >>> value_words("US"), value_words(""), value_words("a, b"), value_words(None), value_words("absent")
    ('US', '""', '"a, b"', 'absent', '"absent"')
    """
    if isinstance(value, tuple) and len(value) > MOST_SHOWN:
        return f"{_readable(_list_text(value[:MOST_SHOWN]))[:-1]}, … ({len(value)} in all)]"
    text = _readable(value_text(value))
    is_plain = not isinstance(value, str) or (_PLAIN.fullmatch(value) is not None and value != "absent")
    return text if is_plain else f'"{text}"'


def _readable(text: str) -> str:
    """Return a text with its invisible characters written out: some turn round the order in which all else is read.

    >>> _readable("US" + chr(0x202E))
    'US\\\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)


_PLAIN = re.compile(r"[\w.:/@+-]+")


def money_text(amount: Decimal) -> str:
    """Return a decimal with two places at least, so that money reads as money: "5.00", "0.125"."""
    text = canonical(amount)
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


def expectation(leaf: Leaf, facts: Mapping[str, Value]) -> str:
    """Return what a leaf expects, short: "≥ 5.00", or "≥ fact shipping (4.90)" with the value that fact has."""
    if leaf.other_fact is not None:
        other = value_words(facts.get(leaf.other_fact))
        return f"{OPERATORS[leaf.op].symbol} fact {leaf.other_fact} ({other})"
    return f"{OPERATORS[leaf.op].symbol} {_values(leaf.op, leaf.expected)}".strip()


def leaf_cell(leaf: Leaf) -> str:
    """Return what a leaf expects for a table, where the fact is the column's: "≥ 5.00", "≠ US (or is missing)"."""
    symbol = OPERATORS[leaf.op].symbol
    if leaf.other_fact is not None:
        return f"{symbol} fact {leaf.other_fact}{_absence_text(leaf)}"
    return f"{symbol} {_told_apart(leaf.op, leaf.expected)}".strip() + _source_text(leaf) + _absence_text(leaf)


def denial(leaf: Leaf, facts: Mapping[str, Value]) -> str:
    """Return what would make a leaf false, short: "< 5.00" for "≥ 5.00"."""
    opposite = OPPOSITE.get(leaf.op)
    return f"not {expectation(leaf, facts)}" if opposite is None else expectation(replace(leaf, op=opposite), facts)


def condition_text(condition: Condition) -> str:
    """Return a condition as a clause."""
    match condition:
        case Always():
            return "always"
        case Leaf(fact, op, other_fact=str(other)):
            # "country is region" would be the text.
            return f"{fact} {_words_of(op, condition.kind)} the fact {other}{_absence_text(condition)}"
        case Leaf(fact, op, expected):
            words = f"{fact} {_words_of(op, _kind_of(expected))} {_told_apart(op, expected)}".strip()
            return words + _source_text(condition) + _absence_text(condition)
        case Not(part):
            return f"not ({condition_text(part)})"
        case Items():
            which = condition.quantifier.partition("_")[0]
            return f"{which} item of {condition.fact} has ({condition_text(condition.where)}){_list_absence_text(condition)}"
        case AllOf(parts):
            return " and ".join(_grouped(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_grouped(part) for part in parts)


def _source_text(leaf: Leaf) -> str:
    """Return where values come from that do not stand in the rule."""
    if leaf.source is None:
        return ""
    return f" ({'parameter' if leaf.source.kind == 'param' else 'list'} {leaf.source.name})"


def items_text(items: Items) -> str:
    """Return what is expected of a list of records whose name was said before: "has any item with (price is 5.00)"."""
    which = items.quantifier.partition("_")[0]
    return f"has {which} item with ({condition_text(items.where)}){_list_absence_text(items)}"


def _list_absence_text(items: Items) -> str:
    if items.if_missing == "no_match" and items.quantifier != "any_item":
        return " (and it is there)"
    return " (or it is missing)" if items.matches_missing else ""


def _words_of(op: str, kind: str) -> str:
    return _SPECIAL_WORDS.get(kind, {}).get(op, OPERATORS[op].words)


def _kind_of(expected: Sequence[Scalar]) -> str:
    """Return the type of values, where it has words of its own. A datetime is a date, and reads like one."""
    first = expected[0] if expected else None
    return "date" if isinstance(first, date) else "duration" if isinstance(first, timedelta) else ""


_TIME_WORDS = {"lt": "is before", "lte": "is not after", "gt": "is after", "gte": "is not before"}
_SPECIAL_WORDS = {
    "date": _TIME_WORDS,
    "instant": _TIME_WORDS,
    "duration": {"lt": "is shorter than", "gt": "is longer than"},
}


def _absence_text(leaf: Leaf) -> str:
    """Return what a comparison says of an absent fact, where one could think otherwise."""
    two = leaf.other_fact is not None
    if leaf.if_missing == "match" and leaf.op != "missing":
        return " (or either is missing)" if two else " (or is missing)"
    there = " (and both are there)" if two else " (and is there)"
    return there if leaf.if_missing == "no_match" and OPERATORS[leaf.op].negative else ""


def _grouped(condition: Condition) -> str:
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, AllOf | AnyOf) else text


def _values(op: str, expected: Sequence[Scalar]) -> str:
    texts = [value_words(value) for value in expected[:MOST_SHOWN]]
    if op == "between":
        return " and ".join(texts)
    return ", ".join(texts) + (f" … ({len(expected)} in all)" if len(expected) > MOST_SHOWN else "")


def _told_apart(op: str, expected: Sequence[Scalar]) -> str:
    """Return values so that no two lists of them read alike: quotes are marked, and what is cut has a fingerprint."""
    if not any(isinstance(value, str) and _AMBIGUOUS.search(value) for value in expected):
        text = _values(op, expected)
    else:
        text = ", ".join(_quoted(value) for value in expected[:MOST_SHOWN])
        text += f" … ({len(expected)} in all)" if len(expected) > MOST_SHOWN else ""
    if len(expected) <= MOST_SHOWN:
        return text
    return f"{text[:-1]}, fingerprint {record_hash([value_text(value) for value in expected])[:8]})"


def _quoted(value: Scalar) -> str:
    is_ambiguous = isinstance(value, str) and _AMBIGUOUS.search(value)
    return json.dumps(value, ensure_ascii=False) if is_ambiguous else value_words(value)


_AMBIGUOUS = re.compile(r'["\\]')


def formula_text(formula: Formula) -> str:
    """Return a formula as a phrase."""
    match formula:
        case Flat(amount):
            return f"a flat {money_text(amount)}"
        case Percent(rate, of):
            return f"{canonical(rate)} % of {of}"
        case PerUnit(amount, of):
            return f"{money_text(amount)} per unit of {of}"
        case Cpm(amount, of):
            return f"{money_text(amount)} per thousand of {of}"
        case Amount(fact):
            return f"the amount of {fact}"
        case Package(size, amount, free, way, of):
            after = f" after {canonical(free)} free" if free else ""
            begun = "begun" if way == "up" else "full"
            return f"{money_text(amount)} per {begun} package of {canonical(size)} in {of}{after}"
        case Sum(parts):
            return " plus ".join(_part_text(part) for part in parts)
        case Least(parts):
            return f"the least of {', '.join(_part_text(part) for part in parts)}"
        case Greatest(parts):
            return f"the greatest of {', '.join(_part_text(part) for part in parts)}"
        case Clamp(part, low, high):
            ends = [f"at least {money_text(low)}"] if low is not None else []
            ends += [f"at most {money_text(high)}"] if high is not None else []
            return f"{_part_text(part)}, {' and '.join(ends)}"
        case Tiers():
            return _tiers_text(formula)
        case PerItem(items, where, then, times):
            which = "" if where == Always() else f" with ({condition_text(where)})"
            often = "" if times is None else f", {times} times,"
            return f"{_part_text(then)}{often} for each item of {items}{which}"


def _part_text(formula: Formula) -> str:
    """Return a formula as part of another one, in brackets where it has a comma or a plus of its own."""
    text = formula_text(formula)
    return f"({text})" if isinstance(formula, Sum | Least | Greatest | Clamp | Tiers | PerItem) else text


def _tiers_text(tiers: Tiers) -> str:
    counted = "conversions" if tiers.by.fact is None else tiers.by.fact
    span = "" if tiers.window == "event" else f" of a {tiers.window.replace('_', ' ')}"
    slices = []
    for index, step in enumerate(tiers.steps):
        end = f"up to {canonical(step.up_to)}" if step.up_to is not None else "beyond" if index else "for all"
        slices.append(f"{step_text(tiers, step)} {end}")
    at_zero = "; the first step counts for zero too" if tiers.flat_at_zero else ""
    return f"{tiers.mode} by {counted}{span}: {', '.join(slices)}{at_zero}{_CROSSINGS[tiers.crossing]}"


_CROSSINGS = {
    "split": "",
    "whole_at_new": "; what crosses is paid whole at the step it reaches",
    "whole_at_old": "; what crosses is paid whole at the step it begins in",
}


def step_text(tiers: Tiers, step: Step) -> str:
    """Return what one step of a tier table pays."""
    unit = f"{canonical(step.unit)} %" if tiers.rate == "percent" else f"{money_text(step.unit)} each"
    flat = f"{money_text(step.flat)} once"
    if not step.flat:
        return unit
    return f"{unit} and {flat}" if step.unit else flat


def verdict_text(verdict: Verdict) -> str:
    """Return what an eligibility rule says."""
    return verdict.action if verdict.action == "accept" else f"{verdict.action} as {verdict.code}"


def limit_text(limit: Limit) -> str:
    """Return a limit as a phrase."""
    if isinstance(limit.over, Fallback):
        return f"{most_text(limit)}; what would go beyond is paid {formula_text(limit.over.formula)} instead"
    return f"{most_text(limit)}; {_OVERS[limit.over]}"


def most_text(limit: Limit) -> str:
    """Return how much a limit lets through, for whom and over what: "at most 1500.00 per contract and month"."""
    paid = f" paid conversion{'' if limit.max == 1 else 's'}" if limit.measure == "count" else ""
    is_everywhere = limit.per == "partner" and limit.window != "event"
    everywhere = ", over all its contracts in this currency" if is_everywhere else ""
    return f"at most {quantity_text(limit)}{paid} {span_text(limit)}{everywhere}"


def quantity_text(limit: Limit) -> str:
    """Return the maximum of a limit: money, or a number of conversions."""
    return money_text(limit.max) if limit.measure == "amount" else canonical(limit.max)


def span_text(limit: Limit) -> str:
    """Return for whom and over what a limit is: "per contract and month"."""
    if limit.window == "event":
        return "per conversion" + ("" if limit.per == "contract" else f" of a {limit.per}")
    return f"per {limit.per} {'in all' if limit.window == 'contract' else 'and ' + limit.window.replace('_', ' ')}"


_OVERS = {
    "partial": "the line that would go beyond is cut to what is left",
    "zero": "a conversion that would go beyond pays nothing",
    "reject": "a conversion that would go beyond is ineligible",
    "hold": "a conversion that would go beyond is held",
}


def body_lines(body: Body) -> list[str]:
    """Return a rule body as one English sentence a line."""
    match body:
        case Eligibility(rules, otherwise):
            lines = [f"{named(rule)}: {verdict_text(rule.then)} when {condition_text(rule.when)}" for rule in rules]
            return [*lines, f"otherwise: {verdict_text(otherwise)}"]
        case Attribution(claims, qualify):
            verb = "accepted" if claims == "accept" else "refused"
            counting = [f"{named(rule)}: a touch counts when {condition_text(rule.when)}" for rule in qualify]
            return [*counting, f"a claim without a qualifying touch is {verb}"]
        case Payout():
            end = body.otherwise
            last = verdict_text(end) if isinstance(end, Verdict) else "pay " + formula_text(end)
            return [
                *(["paid for the impressions of a day"] if body.on == "delivery" else []),
                *(f"{named(rule)}: pay {_paid_when(rule)}" for rule in body.rules),
                *([HITS[body.hit]] if len(body.rules) > 1 else []),
                f"otherwise: {last}",
                *(f"bonus {named(bonus)}: add {_paid_when(bonus)}" for bonus in body.bonuses),
                *(f"limit {limit.id}: {limit_text(limit)}" for limit in body.limits),
                *([f"tier counters {COUNTERS[body.counters]}"] if body.counters else []),
            ]


COUNTERS = {"carry": "go on from the terms before", "restart": "begin anew with these terms"}


HITS = {
    "first": "where several match, the first of them pays",
    "unique": "where several match, payment is held",
    "sum": "where several match, each of them pays",
}


def named(rule: EligibilityRule | PayoutRule | QualifyRule) -> str:
    """Return how a rule is called in a sentence: its id, with its name if it has one."""
    return f"{rule.id} ({rule.name})" if rule.name else rule.id


def _paid_when(rule: PayoutRule) -> str:
    return f"{formula_text(rule.then)} when {condition_text(rule.when)}"
