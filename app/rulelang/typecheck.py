"""Types: every fact is in the catalogue, every operator fits it, every value is of its type. Returns the body typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.errors import Finding, pointer_of
from app.rulelang.ast import (
    AllOf,
    Amount,
    AnyOf,
    Attribution,
    Body,
    Clamp,
    Condition,
    Cpm,
    Eligibility,
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
    Percent,
    PerItem,
    PerUnit,
    Scalar,
    Source,
    Sum,
    Tiers,
    Verdict,
)
from app.rulelang.bindings import MAX_MEMBERS, NOTHING, Bindings
from app.rulelang.deliveries import check_delivery_payout
from app.rulelang.diagnostics import Findings, described, did_you_mean
from app.rulelang.facts import CUSTOMER, MEMBERS, Catalogue, Fact, Subject, item_catalogue, typed_scalar
from app.rulelang.operators import OPERATORS
from app.rulelang.printer import value_text

NUMBERS = ("integer", "decimal")


def check_types(
    body: Body, catalogue: Catalogue, findings: Findings, at: str = "", bindings: Bindings = NOTHING
) -> Body:
    """Return the body with typed values, those of parameters and lists put in. Where something does not fit it is noted
    and left as it was."""
    on: Subject = body.on if isinstance(body, Payout) else "conversion"
    checker = _Checker(catalogue, findings, bindings, on=on)
    match body:
        case Eligibility():
            judging = tuple(replace(rule, when=checker.condition(rule.when)) for rule in body.rules)
            return replace(body, rules=judging)
        case Payout():
            end = body.otherwise
            then = [checker.formula(rule.then, rule.pointer + "/then") for rule in (*body.rules, *body.bonuses)]
            otherwise = end if isinstance(end, Verdict) else checker.formula(end, at + "/otherwise")
            limits = tuple(checker.limit(limit) for limit in body.limits)
            paying = [
                replace(rule, when=checker.condition(rule.when), then=formula)
                for rule, formula in zip((*body.rules, *body.bonuses), then, strict=True)
            ]
            if body.on == "delivery":
                check_delivery_payout(body, findings, at)
            count = len(body.rules)
            rules, bonuses = tuple(paying[:count]), tuple(paying[count:])
            return replace(body, rules=rules, bonuses=bonuses, otherwise=otherwise, limits=limits)
        case Attribution():
            return replace(
                body, qualify=tuple(replace(rule, when=checker.condition(rule.when)) for rule in body.qualify)
            )


def typed_items(formula: Formula, catalogue: Catalogue, findings: Findings) -> Formula:
    """Return a formula with what it asks of items typed, and checked; of other facts nothing is said."""
    return _Checker(catalogue, findings, NOTHING).with_items(formula)


MAX_RESOLVED = 1_000_000


@dataclass(slots=True)
class _Resolved:
    """How many members parameters and lists stand for in one body, and what parameters were read as."""

    members: int = 0
    known: dict[tuple[str, Fact], Sequence[Scalar | Finding]] = field(default_factory=dict)

    def typed(self, name: str, fact: Fact, raw: Sequence[Any]) -> Sequence[Scalar | Finding]:
        if (name, fact) not in self.known:
            self.known[name, fact] = _each_typed(fact, raw)
        return self.known[name, fact]


class _Checker:
    """Checks conditions and formulas against one catalogue: the facts, or the fields of the items of `list_name`."""

    def __init__(
        self,
        catalogue: Catalogue,
        findings: Findings,
        bindings: Bindings,
        list_name: str = "",
        resolved: _Resolved | None = None,
        on: Subject = "conversion",
    ) -> None:
        self.catalogue = catalogue
        self.findings = findings
        self.bindings = bindings
        self.list_name = list_name
        self.resolved = resolved or _Resolved()
        self.on = on

    def condition(self, condition: Condition, *, negated: bool = False) -> Condition:
        match condition:
            case Leaf():
                return self.leaf(condition, negated=negated)
            case Not(part):
                return Not(self.condition(part, negated=True))
            case AllOf(parts):
                return AllOf(tuple(self.condition(part, negated=negated) for part in parts))
            case AnyOf(parts):
                return AnyOf(tuple(self.condition(part, negated=negated) for part in parts))
            case Items():
                return self.items(condition, negated=negated)
            case _:
                return condition

    def items(self, items: Items, *, negated: bool) -> Items:
        """Check a condition on items: the list like any fact, and what is said of an item by its fields."""
        fact = self.records(items.fact, items.pointer, items.quantifier)
        if fact is None:
            return items
        negated = negated or items.quantifier == "no_item"
        self.check_missing(items, items.quantifier, (fact,), negated=negated)
        return replace(items, where=self.within(fact).condition(items.where, negated=negated))

    def records(self, name: str, at: str, word: str) -> Fact | None:
        """Return a list of records that is named under a word, or None with a finding."""
        fact = self.known(name, at + pointer_of(word))
        if fact is None or fact.type == "records":
            return fact
        lists = ", ".join(known.name for known in self.catalogue if known.type == "records")
        self.findings.add(
            "not_records",
            at + pointer_of(word),
            f"{name} is {fact.type}; {word} wants a list of records",
            f"lists of records are: {lists}" if lists else None,
        )
        return None

    def within(self, fact: Fact) -> _Checker:
        """Return a checker of what is said of one item of a list of records."""
        return _Checker(item_catalogue(fact), self.findings, self.bindings, fact.name, self.resolved)

    def leaf(self, leaf: Leaf, *, negated: bool) -> Leaf:
        fact = self.known(leaf.fact, leaf.pointer + "/fact")
        if fact is None:
            return leaf
        operator = OPERATORS[leaf.op]
        if fact.type not in operator.types:
            fitting = sorted(word for word, known in OPERATORS.items() if fact.type in known.types)
            self.findings.add(
                "operator_not_for_type",
                leaf.pointer + "/op",
                f"{leaf.fact} is {fact.type}, which has no {leaf.op}",
                f"{fact.type} has: {', '.join(fitting)}",
            )
            return leaf
        negated = negated or operator.negative
        if leaf.other_fact is not None:
            self.other_fact(leaf, fact, leaf.other_fact, negated=negated)
            return replace(leaf, kind=fact.type)
        self.check_missing(leaf, leaf.op, (fact,), negated=negated)
        if leaf.source is not None:
            typed = self.bound(leaf, fact, leaf.source)
        else:
            many = operator.arity not in (0, 1)
            typed = self.values(leaf, fact, leaf.expected, leaf.pointer + "/value", many=many)
        if typed is None or not typed:
            return leaf
        return Leaf(leaf.fact, leaf.op, typed, leaf.if_missing, leaf.pointer, source=leaf.source)

    def bound(self, leaf: Leaf, fact: Fact, source: Source) -> tuple[Scalar, ...] | None:
        """Return the values that a parameter or a list stands for, as many as the operator wants."""
        where = leaf.pointer + "/value" + pointer_of(source.kind)
        if source.kind == "list":
            return self.members(fact, source.name, where)
        if source.name not in self.bindings.params:
            hint = did_you_mean(source.name, self.bindings.params) or "give it under `params` of the contract version"
            self.findings.add("unknown_param", where, f"no value is given for the parameter {source.name!r}", hint)
            return None
        raw, arity = self.bindings.params[source.name], OPERATORS[leaf.op].arity
        if arity == 1:
            return self.values(leaf, fact, (raw,), where, many=False)
        count = f"{arity}" if arity else f"1 to {MAX_MEMBERS:,}"
        if not isinstance(raw, list) or (len(raw) != arity if arity else not 0 < len(raw) <= MAX_MEMBERS):
            found = f"a list of {len(raw):,}" if isinstance(raw, list) else described(raw)
            message = f"{leaf.op} wants a list of {count}; the parameter {source.name!r} is {found}"
            self.findings.add("wrong_type", where, message)
            return None
        if self.are_too_many(len(raw), where):
            return None
        return self.checked(leaf, fact, self.resolved.typed(source.name, fact, raw), where, many=False)

    def members(self, fact: Fact, name: str, where: str) -> tuple[Scalar, ...] | None:
        """Return the members of a named list, which are of the fact's type; those for an enum are words of it."""
        found = self.bindings.lists.get(name)
        if found is None:
            hint = did_you_mean(name, self.bindings.lists) or "publish it first: POST /v1/lists"
            self.findings.add("unknown_list", where, f"there is no list {name!r}", hint)
            return None
        wanted = MEMBERS.get(fact.type, fact.type)
        if found.type != ("text" if wanted == "enum" else wanted):
            message = f"the list {name!r} holds {found.type}; {fact.name} is {type_text(fact)}"
            self.findings.add("list_not_for_fact", where, message)
            return None
        if self.are_too_many(len(found.members), where):
            return None
        strange = [str(member) for member in found.members if wanted == "enum" and member not in fact.values]
        if strange:
            message = f"the list {name!r} holds {described(strange[0])}, which {fact.name} never is"
            self.findings.add("not_a_member", where, message, f"one of: {', '.join(fact.values)}")
            return None
        return found.members

    def are_too_many(self, count: int, where: str) -> bool:
        """Refuse rules that are small as written and endless as they are run: a list of 10,000 in 1,000 places."""
        before = self.resolved.members
        self.resolved.members += count
        if before <= MAX_RESOLVED < self.resolved.members:
            message = f"parameters and lists stand for more than {MAX_RESOLVED:,} members, all in all"
            self.findings.add("too_many_members", where, message, "test a list in fewer places")
        return self.resolved.members > MAX_RESOLVED

    def other_fact(self, leaf: Leaf, fact: Fact, name: str, *, negated: bool) -> None:
        """Check a comparison of two facts. Enums with different words are different types."""
        where = leaf.pointer + "/value/fact"
        other = self.known(name, where)
        if other is None:
            return
        self.check_missing(leaf, leaf.op, (fact, other), negated=negated)
        if other.name == fact.name:
            message, hint = f"{fact.name} is compared with itself", "name another fact, or a value"
        elif (other.type, other.values) != (fact.type, fact.values):
            message = f"{fact.name} is {type_text(fact)}, and {other.name} is {type_text(other)}"
            alike = [known.name for known in self.catalogue if self.may_read(known) and _is_like(known, fact)]
            hint = f"facts of this type: {', '.join(name for name in alike if name != fact.name) or 'no other'}"
        else:
            return
        self.findings.add("facts_not_comparable", where, message, hint)

    def check_missing(self, leaf: Leaf | Items, op: str, facts: Sequence[Fact], *, negated: bool) -> None:
        """A negative test of something that may be absent says what absence means; nobody should have to guess."""
        optional = [fact.name for fact in facts if not fact.required]
        tests_presence = op in ("exists", "missing")
        if leaf.if_missing is not None and (not optional or tests_presence):
            why = f"{op} already says it" if tests_presence else f"{leaf.fact} is required, so it is never absent"
            self.findings.warn(
                "if_missing_useless", leaf.pointer + "/if_missing", f"if_missing has no effect: {why}", "leave it out"
            )
        if negated and leaf.if_missing is None and optional and not tests_presence:
            self.findings.add(
                "if_missing_required",
                leaf.pointer,
                f"{optional[0]} is optional and tested negatively ({op}); say what its absence means",
                'add "if_missing": "match" or "if_missing": "no_match"',
            )

    def values(
        self, leaf: Leaf, fact: Fact, given: Sequence[Any], where: str, *, many: bool
    ) -> tuple[Scalar, ...] | None:
        """Return raw values typed. With `many` each stands in the document by itself, and is pointed at."""
        return self.checked(leaf, fact, _each_typed(fact, given), where, many=many)

    def checked(
        self, leaf: Leaf, fact: Fact, read: Sequence[Scalar | Finding], where: str, *, many: bool
    ) -> tuple[Scalar, ...] | None:
        """Return values that were read, if nothing is wrong with any of them."""
        typed = tuple(value for value in read if not isinstance(value, Finding))
        if len(typed) < len(read):
            for index, value in enumerate(read):
                if isinstance(value, Finding):
                    self.findings.note(value.at(where + (pointer_of(index) if many else "")))
            return None
        self.check_sense(leaf, fact, typed, where)
        return typed

    def check_sense(self, leaf: Leaf, fact: Fact, typed: Sequence[Scalar], where: str) -> None:
        """Refuse a comparison that says nothing: it would be true of every value, or of none."""
        if leaf.op == "between" and typed[0] > typed[1]:  # type: ignore[operator]
            message = f"{value_text(typed[0])} is above {value_text(typed[1])}, so this is never true"
            self.findings.add("empty_range", where, message, "write the lower value first")
        if leaf.op in ("starts_with", "contains") and fact.type == "text" and typed[0] == "":
            message = f"every text {OPERATORS[leaf.op].words} the empty one"
            self.findings.add("empty_text", where, message, "to test that the fact is there use exists")

    def limit(self, limit: Limit) -> Limit:
        """A limit per customer needs to know the customer; its fallback is a formula like any other."""
        if limit.per == "customer":
            self.known(CUSTOMER, limit.pointer + "/per")
        if isinstance(limit.over, Fallback):
            return replace(limit, over=Fallback(self.formula(limit.over.formula, limit.pointer + "/over/fallback")))
        return limit

    def formula(self, formula: Formula, at: str) -> Formula:
        """Return a formula with what it asks of items typed."""
        for name, where in _facts_at(formula, at):
            self.number(name, where)
        return self.with_items(formula)

    def number(self, name: str, where: str) -> None:
        """Check a fact that is calculated with."""
        fact = self.known(name, where)
        if fact is not None and fact.type not in NUMBERS:
            numbers = [known.name for known in self.catalogue if known.type in NUMBERS and self.may_read(known)]
            self.findings.add(
                "not_a_number",
                where,
                f"a formula calculates with {fact.name}, which is {fact.type}",
                f"numbers are: {', '.join(numbers)}",
            )

    def with_items(self, formula: Formula) -> Formula:
        match formula:
            case PerItem():
                fact = self.records(formula.items, formula.pointer, "per_item")
                if fact is None:
                    return formula
                inner = self.within(fact)
                then = inner.formula(formula.then, formula.pointer + "/then")
                if formula.times is not None:
                    inner.number(formula.times, formula.pointer + "/times")
                return replace(formula, where=inner.condition(formula.where), then=then)
            case Sum(parts) | Least(parts) | Greatest(parts) if not all(isinstance(part, Flat) for part in parts):
                return type(formula)(tuple(map(self.with_items, parts)))
            case Clamp(part):
                return replace(formula, part=self.with_items(part))
            case _:
                return formula

    def known(self, name: str, at: str) -> Fact | None:
        fact = self.catalogue.get(name)
        if fact is None:
            hint = did_you_mean(name, [known.name for known in self.catalogue if self.may_read(known)])
            what = f"an item of {self.list_name} has no field" if self.list_name else "there is no fact"
            self.findings.add("unknown_fact", at, f"{what} {described(name)}", hint)
        elif not self.may_read(fact):
            self.refuse_subject(fact, at)
            return None
        return fact

    def may_read(self, fact: Fact) -> bool:
        """Tell whether rules on this subject can read a fact: what deliveries carry no conversion does, nor the other way
        round."""
        return bool(self.list_name) or (fact.subject == "delivery") == (self.on == "delivery")

    def refuse_subject(self, fact: Fact, at: str) -> None:
        message = f"{fact.name} is a fact of a {fact.subject}; these rules are about a {self.on}"
        known = f"delivery.{fact.name}" if self.on == "delivery" else fact.name.removeprefix("delivery.")
        is_known = known != fact.name and self.catalogue.get(known) is not None
        self.findings.add("fact_of_other_subject", at, message, f"did you mean {known!r}?" if is_known else None)


def _is_like(one: Fact, other: Fact) -> bool:
    return (one.type, one.values) == (other.type, other.values)


def type_text(fact: Fact) -> str:
    """Return a fact's type for a message, with the words of an enum and the fields of records."""
    more = [*fact.values, *(f"{field.name}: {type_text(field)}" for field in fact.fields)]
    return f"{fact.type} ({', '.join(more)})" if more else fact.type


def _each_typed(fact: Fact, raw: Sequence[Any]) -> Sequence[Scalar | Finding]:
    """Return values typed. What stands in a long list many times is read once; 1 and true are two things there."""
    if len(raw) <= 2:
        return [typed_scalar(fact, value) for value in raw]
    known = {key: typed_scalar(fact, key[1]) for key in dict.fromkeys(zip(map(type, raw), raw, strict=True))}
    return list(map(known.__getitem__, zip(map(type, raw), raw, strict=True)))


def _facts_at(formula: Formula, at: str) -> Iterator[tuple[str, str]]:
    """Yield every fact a formula calculates with, and the pointer to its name."""
    match formula:
        case Percent() | PerUnit() | Cpm() | Package():
            yield formula.of, at + "/of"
        case Amount(fact):
            yield fact, at + "/amount"
        case Tiers() if formula.by.fact is not None:
            yield formula.by.fact, at + "/tiers/by/sum"
        case Sum(parts) | Least(parts) | Greatest(parts):
            for index, part in enumerate(parts):
                if not isinstance(part, Flat):  # it reads no fact, and there may be thousands
                    yield from _facts_at(part, at + pointer_of(_WORDS[type(formula)], index))
        case Clamp(part):
            yield from _facts_at(part, at + "/clamp")


_WORDS = {Sum: "sum", Least: "least", Greatest: "greatest"}
