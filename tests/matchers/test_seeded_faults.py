"""The conformance cases catch a broken engine: each fault here is one that somebody could write, and a case fails for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.adapters import durable_codec, durable_plan
from app.adapters.durable_codec import ENCODERS, GUARD, SetCodec
from app.adapters.durable_matcher import DurableMatcher
from app.adapters.durable_plan import Chain
from app.engine.matcher import EngineFault
from app.rulelang import compiler
from app.rulelang.ast import Leaf
from app.rulelang.operators import OPERATORS
from tests.builders.conditions import condition, facts, one_rule
from tests.matchers.test_conformance import cases

Patch = pytest.MonkeyPatch


def first_case_that_fails() -> str | None:
    matcher = DurableMatcher()
    for case in cases():
        when, given, verdict = case.values
        try:
            found = matcher.matched(one_rule(condition(when)), facts(given))
        except EngineFault:
            return str(case.id)
        if (found == {"r"}) is not verdict:
            return str(case.id)
    return None


def in_definitions(written: str, instead: str) -> Callable[[Patch], None]:
    original = SetCodec._defined

    def defined(self: SetCodec, chains: Any) -> Any:
        return orjson.loads(orjson.dumps(original(self, chains)).decode().replace(written, instead))

    return lambda patch: patch.setattr(SetCodec, "_defined", defined)


def absent_as(present: Any) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(SetCodec, "_absent", lambda self, test: present(self, test))


def encoding(kind: str, encode: Callable[[Any], Any]) -> Callable[[Patch], None]:
    return lambda patch: patch.setitem(ENCODERS, kind, encode)


def absence_not_negated(patch: Patch) -> None:
    original = compiler._check_of
    patch.setattr(
        compiler,
        "_check_of",
        lambda leaf, negated: replace(original(leaf, negated), if_absent=leaf.matches_missing),
    )


def negation_lost(patch: Patch) -> None:
    original = compiler._check_of
    patch.setattr(compiler, "_check_of", lambda leaf, negated: replace(original(leaf, negated), negated=False))


def operator_says(name: str, says: Callable[[Any, Any], bool]) -> Callable[[Patch], None]:
    """The normal form, and so the online engine, takes an operator for another; the reference keeps its own."""
    wrong = {**OPERATORS, name: replace(OPERATORS[name], holds=says)}
    return lambda patch: patch.setattr(compiler, "OPERATORS", wrong)


def last_member_lost(patch: Patch) -> None:
    original = compiler._check_of

    def check_of(leaf: Leaf, negated: bool) -> Any:
        kept = leaf.expected[:-1] if len(leaf.expected) > 2 else leaf.expected
        return original(replace(leaf, expected=kept), negated)

    patch.setattr(compiler, "_check_of", check_of)


def only_the_first_alternative(patch: Patch) -> None:
    original = durable_plan.chains_of
    patch.setattr(durable_plan, "chains_of", lambda rule, when: original(rule, when)[:1])


def last_step_lost(patch: Patch) -> None:
    original = durable_plan.chains_of
    patch.setattr(
        durable_plan, "chains_of", lambda rule, when: [Chain(rule, each.steps[:-1]) for each in original(rule, when)]
    )


def decimal_in_cents(value: Any) -> int:
    return int(value * 100)


def between_facts(says: Callable[[Any, Any], bool | None]) -> Callable[[Patch], None]:
    """Compare two facts, either of which may be None, in a wrong way; None is the rule's answer for an absent one."""

    def predicate(check: Any, other: str) -> Any:
        holds = OPERATORS[check.op].holds
        order = {"right": lambda a, b: holds(a, (b,)), "wrong": lambda a, b: holds(b, (a,))}

        def is_true(given: Any) -> bool:
            found = says((given.get(check.fact), given.get(other)), order)
            return check.if_absent if found is None else found

        return is_true

    return lambda patch: patch.setattr(compiler, "_between_facts", predicate)


FAULTS: dict[str, Callable[[Patch], None]] = {
    "gte becomes gt": in_definitions('"$gte"', '"$gt"'),
    "gt becomes gte": in_definitions('"$gt"', '"$gte"'),
    "lt becomes lte": in_definitions('"$lt"', '"$lte"'),
    "lte becomes lt": in_definitions('"$lte"', '"$lt"'),
    "lt becomes gt": in_definitions('"$lt"', '"$gt"'),
    "neq becomes lt": in_definitions('"$neq"', '"$lt"'),
    "any becomes all": in_definitions('"$or"', '"$and"'),
    "nested all becomes any": in_definitions('{"$and":[{"$neq"', '{"$or":[{"$neq"'),
    "an absent fact never matches": absent_as(lambda self, test: {GUARD: 0}),
    "an absent fact always matches": absent_as(lambda self, test: {GUARD: 1}),
    "absence is turned round": absent_as(lambda self, test: {self._presences[test.fact]: 1}),
    "a negation keeps the answer for an absent fact": absence_not_negated,
    "a list loses its last member": last_member_lost,
    "only the first alternative is kept": only_the_first_alternative,
    "the last test of a chain is lost": last_step_lost,
    "decimals are cut to cents": encoding("decimal", decimal_in_cents),
    "decimals lose their sign": encoding("decimal", lambda value: abs(int(value * 10**6))),
    "integers pass through a float": encoding("integer", lambda value: int(float(value))),
    "instants are cut to seconds": encoding("instant", lambda value: int(value.timestamp())),
    "durations are cut to seconds": encoding("duration", lambda value: value // timedelta(seconds=1)),
    "durations lose their days": encoding("duration", lambda value: value.seconds * 10**6 + value.microseconds),
    "instants are read in local time": encoding("instant", lambda value: value.hour),
    "dates are months": encoding("date", lambda value: value.year * 12 + value.month),
    "text is folded": encoding("text", str.casefold),
    "text is cut at a quote": encoding("text", lambda value: value.split('"')[0]),
    "text loses its blanks": encoding("text", str.strip),
    "text loses its backslashes": encoding("text", lambda value: value.replace("\\", "")),
    "a negation without an opposite is lost": negation_lost,
    "starts_with looks anywhere": operator_says("starts_with", lambda a, x: x[0] in a),
    "starts_with looks at the end": operator_says("starts_with", lambda a, x: a.endswith(x[0])),
    "starts_with wants more": operator_says("starts_with", lambda a, x: a.startswith(x[0]) and a != x[0]),
    "contains looks at the start": operator_says("contains", lambda a, x: a.startswith(x[0])),
    "contains wants all of it": operator_says("contains", lambda a, x: a == x[0]),
    "contains folds case": operator_says("contains", lambda a, x: x[0].casefold() in a.casefold()),
    "contains looks into the members": operator_says("contains", lambda a, x: any(x[0] in each for each in a)),
    "contains_any wants all": operator_says("contains_any", lambda a, x: set(x) <= set(a)),
    "contains_all wants one": operator_says("contains_all", lambda a, x: bool(set(x) & set(a))),
    "contains_all wants no more": operator_says("contains_all", lambda a, x: set(x) == set(a)),
    "contains_all wants the order": operator_says("contains_all", lambda a, x: list(a)[: len(x)] == list(x)),
    "is_empty is never true": operator_says("is_empty", lambda a, x: False),
    "is_empty is always true": operator_says("is_empty", lambda a, x: True),
    "two facts change places": between_facts(lambda pair, order: None if None in pair else order["wrong"](*pair)),
    "an absent right side is false": between_facts(
        lambda pair, order: None if pair[0] is None else pair[1] is not None and order["right"](*pair)
    ),
    "an absent left side is false": between_facts(
        lambda pair, order: None if pair[1] is None else pair[0] is not None and order["right"](*pair)
    ),
    "booleans are turned round for facts": encoding("boolean", lambda value: 1),
}


def test_the_engine_as_it_is_fails_no_case() -> None:
    assert first_case_that_fails() is None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_case_fails_when(fault: str, monkeypatch: Patch) -> None:
    FAULTS[fault](monkeypatch)
    assert first_case_that_fails() is not None, f"no case notices that {fault}"


COMPARISONS = ["eq", "neq", "lt", "lte", "gt", "gte"]
WRONG = [(op, wrong) for op in COMPARISONS for wrong in COMPARISONS if compiler.OPPOSITE[op] != wrong]


@pytest.mark.parametrize(("op", "wrong"), WRONG)
def test_a_case_fails_when_a_negation_is_another_operator(op: str, wrong: str, monkeypatch: Patch) -> None:
    monkeypatch.setitem(compiler.OPPOSITE, op, wrong)
    assert first_case_that_fails() is not None, f"no case notices that the negation of {op} is {wrong}"


def test_off_by_one_in_facts_is_noticed(monkeypatch: Patch) -> None:
    original = SetCodec.encoded

    def encoded(self: SetCodec, given: Any) -> Any:
        sent = original(self, given)
        return {name: value + 1 if name[0] == "f" and type(value) is int else value for name, value in sent.items()}

    monkeypatch.setattr(durable_codec.SetCodec, "encoded", encoded)
    assert first_case_that_fails() is not None
