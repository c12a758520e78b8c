"""What no conversion carries: facts that only touches or deliveries have, and values that a computed fact never takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from app.analysis.example import (
    A_DAY,
    AN_HOUR,
    ORDER_NUMBER,
    Example,
    day_like,
    example_on,
    facts_of_example,
    ordinary_example,
)  # fmt: skip
from app.analysis.findings import Analysed, Witness, found
from app.analysis.formula_places import fact_place, formula_places
from app.analysis.questions import Questions
from app.analysis.scalars import code_of
from app.analysis.setting import Setting
from app.analysis.world import derived_codes, is_carried, parts_of
from app.core.errors import pointer_of
from app.engine.reference import is_true
from app.rulelang.ast import Eligibility, Items, Leaf, Payout
from app.rulelang.facts import Fact
from app.rulelang.operators import OPERATORS
from app.rulelang.printer import condition_text, value_words


def facts_never_carried(body: Eligibility | Payout, questions: Questions, setting: Setting) -> list[Analysed]:
    """Return each place that reads a fact which conversions do not carry."""
    return [
        _no_such_fact(setting.catalogue[name], at, questions, setting)
        for name, at in _read(body)
        if _is_foreign(name, setting)
    ]


def _read(body: Eligibility | Payout) -> Iterator[tuple[str, str]]:
    """Yield each fact that a body reads with the pointer to where it does."""
    for part in _parts(body):
        match part:
            case Items():
                yield part.fact, part.pointer + pointer_of(part.quantifier)
            case Leaf():
                yield part.fact, part.pointer + "/fact"
                if part.other_fact is not None:
                    yield part.other_fact, part.pointer + "/value/fact"
    if isinstance(body, Payout):
        placed = (fact_place(formula, at) for at, formula in formula_places(body))
        yield from (place for place in placed if place is not None)


def _parts(body: Eligibility | Payout) -> Iterator[Leaf | Items]:
    rules = body.rules if isinstance(body, Eligibility) else (*body.rules, *body.bonuses)
    for rule in rules:
        yield from parts_of(rule.when)


def _is_foreign(name: str, setting: Setting) -> bool:
    return not is_carried(setting.catalogue[name])


def _no_such_fact(fact: Fact, at: str, questions: Questions, setting: Setting) -> Analysed:
    whose = "computed by none of our rules" if fact.subject == "conversion" else f"a fact of a {fact.subject}"
    then = "every conversion is held as MISSING_FACT" if fact.required else "for every conversion it is missing"
    message = f"{fact.name} is {whose}; no conversion carries it, so {then}"
    shown = ordinary_example(setting.catalogue, questions.required, setting.timezone)
    says = f"this conversion can be sent, and {fact.name} is not among its facts, sent or computed"
    return found(
        "fact_never_carried",
        at,
        message,
        "read a fact of conversions",
        Witness(says, shown, questions.ids_matched(shown)),
    )


def values_never_carried(body: Eligibility | Payout, questions: Questions, setting: Setting) -> list[Analysed]:
    """Return each comparison of a computed fact with a value it never has, where that decides the comparison."""
    findings = [_of_leaf(leaf, questions, setting) for leaf in _parts(body) if isinstance(leaf, Leaf)]
    return [analysed for analysed in findings if analysed is not None]


def _of_leaf(leaf: Leaf, questions: Questions, setting: Setting) -> Analysed | None:
    fact = setting.catalogue[leaf.fact]
    ends = derived_codes(fact)
    if ends is None:
        return None
    low, high = ends
    outside = [place for place, value in enumerate(leaf.expected) if not low <= code_of(value, fact) <= high]
    if not outside or (leaf.op in _ORDERING and _tells_apart(leaf, fact, low, high)):
        return None
    return _never_has(leaf, fact, outside[0], questions, setting)


_ORDERING = ("lt", "lte", "gt", "gte", "between")


def _tells_apart(leaf: Leaf, fact: Fact, low: int, high: int) -> bool:
    """Tell whether an ordering comparison has two answers among the values that the fact can have."""
    ends = [low, high, *(code + step for code in (code_of(v, fact) for v in leaf.expected) for step in (-1, 0, 1))]
    values = {_value(code, fact) for code in ends if low <= code <= high}
    return len({is_true(leaf, {fact.name: value}) for value in values}) > 1


def _never_has(leaf: Leaf, fact: Fact, place: int, questions: Questions, setting: Setting) -> Analysed | None:
    low, high = derived_codes(fact) or (0, 0)
    value = leaf.expected[place]
    nearest = _value(max(low, min(high, code_of(value, fact))), fact)
    shown = _with_value(fact, nearest, questions, setting)
    facts = None if shown is None else facts_of_example(shown, setting.catalogue, questions.required | {fact.name})
    if shown is None or facts is None or facts.get(fact.name) != nearest:
        return None
    verdict = "meets" if is_true(leaf, facts) else "does not meet"
    span = f"{value_words(_value(low, fact))} to {value_words(_value(high, fact))}"
    bounds = "1 or more" if fact.name == ORDER_NUMBER else span
    message = f"{fact.name} is never {value_words(value)}: it is {bounds}"
    says = f"the nearest there is: {fact.name} is {value_words(nearest)}; it {verdict} {condition_text(leaf)}"
    at = leaf.pointer + "/value" + (pointer_of(place) if OPERATORS[leaf.op].arity != 1 else "")
    witness = Witness(says, shown, questions.ids_matched(shown))
    return found("value_never_carried", at, message, "compare with one of those", witness)


def _value(code: int, fact: Fact) -> Any:
    return date.fromordinal(code) if fact.type == "date" else code


def _with_value(fact: Fact, value: Any, questions: Questions, setting: Setting) -> Example | None:
    """Return a conversion for which a computed fact has a value."""
    usual = ordinary_example(setting.catalogue, questions.required, setting.timezone)
    day, hour, number = A_DAY, AN_HOUR, usual.customer_order_number
    match fact.name:
        case "hour":
            hour = value
        case "month":
            day = day_like(None, value)
        case "local_date":
            day = value
        case _:
            number = value
    return example_on(day, hour, number, usual.facts, setting.catalogue, setting.timezone)
