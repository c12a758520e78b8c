"""The rule language as values: conditions, formulas and the three kinds of rule body. Nothing here has behaviour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

from app.core.period import Window

Kind = Literal["eligibility", "attribution", "payout", "delivery_payout"]
KINDS: tuple[Kind, ...] = ("eligibility", "attribution", "payout")
"""The kinds of rule body. A contract version has rules of all three."""

PLACES: tuple[Kind, ...] = (*KINDS, "delivery_payout")
"""Where rules stand in a contract version. Beside a payout on conversions there may be one on deliveries: a payout body
as well, in a place of its own."""

Scalar: TypeAlias = str | int | Decimal | bool | date | datetime | timedelta
"""A typed value. Text and enum are str, integer is int, decimal is Decimal, date is date, instant is UTC
datetime, duration is timedelta."""

Record: TypeAlias = Mapping[str, Scalar]
"""One item of a list of records: its fields by name. An absent field is not in the mapping."""

Value: TypeAlias = Scalar | tuple[str, ...] | tuple[Record, ...]
"""What a fact may hold: one scalar, the members of a list of text or enum, or the items of a list of records. Rules
compare with scalars only."""

# ---------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class Always:
    """True for everything."""


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


@dataclass(frozen=True, slots=True)
class Source:
    """Where the values of a comparison stand, if not in the rule: a parameter of the contract version, or a list."""

    kind: Literal["param", "list"]
    name: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison. `expected` holds what the operator compares with: none for `exists`, two for `between`, the
    members for `in`, else one. Raw JSON after parsing, typed after the type check. With `source` it is empty after
    parsing and filled by the type check. With `other_fact` it is that fact's value instead, `expected` is empty, and
    `kind` is the type of both after the type check, for words alone."""

    fact: str
    op: str
    expected: tuple[Scalar, ...]
    if_missing: Literal["match", "no_match"] | None = None
    pointer: str = field(default="", compare=False)
    other_fact: str | None = None
    kind: str = field(default="", compare=False)
    source: Source | None = field(default=None, compare=False)

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts it reads, the one that is tested first."""
        return (self.fact,) if self.other_fact is None else (self.fact, self.other_fact)

    @property
    def matches_missing(self) -> bool:
        """What the leaf says when a fact that it reads is absent."""
        return self.op == "missing" or self.if_missing == "match"


Quantifier = Literal["any_item", "every_item", "no_item"]


@dataclass(frozen=True, slots=True)
class Items:
    """What holds for the items of a list of records. `where` reads the fields of one item, and nothing outside it. Of
    an empty list every item is anything and none is: `any_item` is false, the other two are true."""

    quantifier: Quantifier
    fact: str
    where: Condition
    if_missing: Literal["match", "no_match"] | None = None
    pointer: str = field(default="", compare=False)

    @property
    def matches_missing(self) -> bool:
        """What it says when the list is absent."""
        return self.if_missing == "match"


Condition: TypeAlias = Always | AllOf | AnyOf | Not | Leaf | Items

# ------------------------------------------------------------------ formulas


@dataclass(frozen=True, slots=True)
class Flat:
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Percent:
    rate: Decimal
    of: str


@dataclass(frozen=True, slots=True)
class PerUnit:
    amount: Decimal
    of: str


@dataclass(frozen=True, slots=True)
class Cpm:
    amount: Decimal
    of: str


@dataclass(frozen=True, slots=True)
class Amount:
    fact: str


@dataclass(frozen=True, slots=True)
class Package:
    size: Decimal
    amount: Decimal
    free: Decimal
    round: Literal["up", "down"]
    of: str


@dataclass(frozen=True, slots=True)
class Metric:
    """What a tier table counts: events, or the sum of a fact."""

    fact: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A slice `(previous up_to, up_to]` of a tier table; `up_to` None is endless."""

    up_to: Decimal | None
    unit: Decimal
    flat: Decimal


Crossing: TypeAlias = Literal["split", "whole_at_new", "whole_at_old"]


@dataclass(frozen=True, slots=True)
class Tiers:
    mode: Literal["graduated", "volume"]
    by: Metric
    window: Window
    rate: Literal["per_unit", "percent"]
    steps: tuple[Step, ...]
    flat_at_zero: bool = False
    # What becomes of an event that a graduated table's steps meet in: cut there, or paid whole at one of the two.
    crossing: Crossing = "split"


@dataclass(frozen=True, slots=True)
class PerItem:
    """A formula for each item of a list of records that meets a condition, added up. Both read the fields of one item,
    and nothing outside it. With `times`, an item counts as often as that field says."""

    items: str
    where: Condition
    then: Formula
    times: str | None = None
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Sum:
    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Least:
    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Greatest:
    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Clamp:
    part: Formula
    min: Decimal | None
    max: Decimal | None


Formula: TypeAlias = (
    Flat | Percent | PerUnit | Cpm | Amount | Package | Tiers | PerItem | Sum | Least | Greatest | Clamp
)

# -------------------------------------------------------------------- bodies


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an eligibility rule says when it matches: accept, or reject or hold with a code."""

    action: Literal["accept", "reject", "hold"]
    code: str = ""


@dataclass(frozen=True, slots=True)
class EligibilityRule:
    id: str
    name: str
    when: Condition
    then: Verdict
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Eligibility:
    rules: tuple[EligibilityRule, ...]
    otherwise: Verdict


@dataclass(frozen=True, slots=True)
class QualifyRule:
    """Which touches count: those of the partner for which `when` is true of touch and conversion."""

    id: str
    name: str
    when: Condition
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Attribution:
    """What becomes of a claim, and which touches count: all, where no rule says which."""

    claims: Literal["accept", "refuse"]
    qualify: tuple[QualifyRule, ...] = ()


@dataclass(frozen=True, slots=True)
class PayoutRule:
    id: str
    name: str
    when: Condition
    then: Formula
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Fallback:
    """What is paid for a decision instead, where a limit leaves no room for it."""

    formula: Formula


Over: TypeAlias = Literal["partial", "zero", "reject", "hold"]
Per: TypeAlias = Literal["contract", "partner", "customer"]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `max` of `measure` in a window: of the amount that is paid, or of the conversions that are. `over` says
    what becomes of a decision that goes beyond."""

    id: str
    measure: Literal["amount", "count"]
    per: Per
    window: Window
    max: Decimal
    over: Over | Fallback
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Payout:
    hit: Literal["first", "unique", "sum"]
    rules: tuple[PayoutRule, ...]
    otherwise: Formula | Verdict
    bonuses: tuple[PayoutRule, ...]
    limits: tuple[Limit, ...]
    on: Literal["conversion", "delivery"] = "conversion"
    # Whether tier counters go on from the version before; where nothing is said, those do that are the same.
    counters: Literal["carry", "restart"] | None = None


Body: TypeAlias = Eligibility | Attribution | Payout


def facts_of(condition: Condition) -> Iterator[str]:
    """Yield the facts that a condition reads, from left to right, some of them twice. Fields of items are no facts."""
    match condition:
        case Leaf():
            yield from condition.facts
        case Items():
            yield condition.fact
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from facts_of(part)
        case Not(part):
            yield from facts_of(part)


def sources_of(condition: Condition) -> Iterator[Source]:
    """Yield the parameters and lists that a condition takes values from, those about single items too."""
    match condition:
        case Leaf(source=Source() as source):
            yield source
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from sources_of(part)
        case Not(part) | Items(where=part):
            yield from sources_of(part)


def item_conditions_of(body: Body) -> Iterator[Condition]:
    """Yield what the formulas of a body ask of items."""
    yield from (formula.where for formula in formulas_of(body) if isinstance(formula, PerItem))


def conditions_of(body: Body) -> Iterator[tuple[str, Condition]]:
    """Yield the id and condition of every rule of a body, bonuses included."""
    match body:
        case Eligibility(rules):
            yield from ((rule.id, rule.when) for rule in rules)
        case Attribution():
            yield from ((rule.id, rule.when) for rule in body.qualify)
        case Payout():
            yield from ((rule.id, rule.when) for rule in (*body.rules, *body.bonuses))


def formulas_of(body: Body) -> Iterator[Formula]:
    """Yield every formula of a payout, nested ones included; none for other bodies."""
    if isinstance(body, Payout):
        for rule in (*body.rules, *body.bonuses):
            yield from nested_formulas(rule.then)
        if not isinstance(body.otherwise, Verdict):
            yield from nested_formulas(body.otherwise)
        for limit in body.limits:
            if isinstance(limit.over, Fallback):
                yield from nested_formulas(limit.over.formula)


def nested_formulas(formula: Formula) -> Iterator[Formula]:
    """Yield a formula and every formula in it; what is paid for one item reads no facts, and is left out."""
    yield formula
    match formula:
        case Sum(parts) | Least(parts) | Greatest(parts):
            for part in parts:
                yield from nested_formulas(part)
        case Clamp(part):
            yield from nested_formulas(part)


def facts_in(formula: Formula) -> Iterator[str]:
    """Yield the facts a formula calculates with, those of nested ones included."""
    yield from (fact for nested in nested_formulas(formula) if (fact := fact_of(nested)) is not None)


def fact_of(formula: Formula) -> str | None:
    """Return the fact one formula reads by itself, without what is nested in it."""
    match formula:
        case Percent(_, of) | PerUnit(_, of) | Cpm(_, of):
            return of
        case Package():
            return formula.of
        case Amount(fact):
            return fact
        case Tiers():
            return formula.by.fact
        case PerItem(items):
            return items
        case _:
            return None
