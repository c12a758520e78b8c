"""What durable is sent: rules as its JSON, facts as integers and text. Nothing here calls it.

durable takes `5 == "5"` for true, rounds large numbers it gets as floats, orders text wrongly and treats some names
as its own. So every name is ours (`f0`, `p0`, `d0`), numbers are whole and scaled, text is only compared for
equality, and a value that is not of the type its rules compare with is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal, DecimalException
from typing import Any, TypeAlias

from app.adapters.durable_plan import Derived, EngineSet, Step
from app.core.durations import length_micros
from app.core.instants import micros
from app.core.money import EXACT
from app.engine.matcher import EngineFault, Facts
from app.rulelang.ast import Value
from app.rulelang.compiler import Check, predicate
from app.rulelang.facts import LARGEST, MAX_SCALE, MAX_TEXT

GUARD = "go"
END = "end"
LAST = 1000  # durable's priority: lowest number first

Encoded: TypeAlias = dict[str, str | int]
Json: TypeAlias = dict[str, Any]


class SetCodec:
    """The names and types of one engine set."""

    def __init__(self, chains: EngineSet) -> None:
        steps = list(dict.fromkeys(step for chain in chains for step in chain.steps))
        checks = [step for step in steps if isinstance(step, Check)]
        self._kinds = _kinds_of(checks)
        self._values = _numbered("f", (check.fact for check in checks if check.expected))
        self._presences = _numbered("p", (check.fact for check in checks if check.if_absent or not check.expected))
        self._readers = [_reader(fact, name, self._kinds[fact]) for fact, name in self._values.items()]
        self._derived = _numbered("d", (step.normal for step in steps if isinstance(step, Derived)))
        self._predicates = [(name, predicate(normal)) for normal, name in self._derived.items()]
        self.rules = {f"r{at}": chain.rule for at, chain in enumerate(chains)}
        self.definition = self._defined(chains)

    def encoded(self, facts: Facts) -> Encoded:
        """Return what the engine is sent for these facts: no more than the set reads. EngineFault for a wrong type."""
        sent: Encoded = {GUARD: 1}
        for fact, name, known, encode in self._readers:
            value = facts.get(fact)
            if value is not None:
                if type(value) is not known:  # a frozen clock hands out subclasses of datetime; all else is a fault
                    self._check_kind(fact, value)
                sent[name] = encode(value)
        for fact, name in self._presences.items():
            sent[name] = 0 if facts.get(fact) is None else 1
        for name, is_true in self._predicates:
            sent[name] = 1 if is_true(facts) else 0
        return sent

    def _check_kind(self, fact: str, value: Value) -> None:
        kind = kind_of(value)
        if kind != self._kinds[fact]:
            raise EngineFault(f"fact {fact} is {kind}; its rules compare it with {self._kinds[fact]}")

    def _defined(self, chains: EngineSet) -> Json:
        rules: Json = {}
        for name, chain in zip(self.rules, chains, strict=True):
            rules[name] = _rule([part for step in chain.steps for part in self._conjuncts(step)])
        # The guard is on every real fact and on nothing else, so this rule says: the engine came to the end.
        return rules | {END: _rule([]) | {"pri": LAST}}

    def _conjuncts(self, step: Step) -> Iterator[Json]:
        """Yield what must hold for a step. The branches of an $or here exclude each other, so none fires twice."""
        if isinstance(step, Derived):
            yield {self._derived[step.normal]: 1}
        elif step.op in ("exists", "missing"):
            yield {self._presences[step.fact]: int(step.op == "exists")}
        elif not step.if_absent:
            # An absent fact is no property of what is sent, and the engine tests only properties that are there.
            yield from self._comparison(step)
        elif step.op == "in":
            (members,) = self._comparison(step)
            yield {"$or": [*members.get("$or", [members]), self._absent(step)]}
        else:
            compared = list(self._comparison(step))
            yield {"$or": [compared[0] if len(compared) == 1 else {"$and": compared}, self._absent(step)]}

    def _absent(self, check: Check) -> Json:
        return {self._presences[check.fact]: 0}

    def _comparison(self, check: Check) -> Iterator[Json]:
        name = self._values[check.fact]
        expected = dict.fromkeys(ENCODERS[kind_of(value)](value) for value in check.expected)
        if check.op == "not_in":
            yield from ({"$neq": {name: value}} for value in expected)
        elif check.op in ("eq", "in"):
            equal: list[Json] = [{name: value} for value in expected]
            yield equal[0] if len(equal) == 1 else {"$or": equal}
        else:
            (value,) = expected
            yield {f"${check.op}": {name: value}}


def kind_of(value: Value) -> str:
    """Return the type of a value in the catalogue's words; enum is text. EngineFault for anything else."""
    kind = next((word for known, word in _KINDS.items() if isinstance(value, known)), None)
    if kind is None:
        raise EngineFault(f"the engine takes no {type(value).__name__}")
    return kind


# bool is an int and datetime is a date: the narrower comes first.
_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    Decimal: "decimal",
    str: "text",
    datetime: "instant",
    date: "date",
    timedelta: "duration",
}
_TYPES = {kind: known for known, kind in _KINDS.items()}


def _reader(fact: str, name: str, kind: str) -> tuple[str, str, type, Callable[[Any], str | int]]:
    """Return how a fact is read: its name here and there, the type of its values, and what encodes them."""
    return fact, name, _TYPES[kind], ENCODERS[kind]


def _text(value: Any) -> str:
    if len(value) > MAX_TEXT:
        raise EngineFault(f"text of {len(value)} characters; the engine compares at most {MAX_TEXT}")
    return str(value)


def _integer(value: Any) -> int:
    if abs(value) >= LARGEST:
        raise EngineFault("a number is beyond what the engine compares exactly")
    return int(value)


def _decimal(value: Any) -> int:
    if not value.is_finite() or value.adjusted() > 18:
        raise EngineFault("a decimal is beyond what the engine compares exactly")
    try:
        return _integer(int(EXACT.to_integral_exact(EXACT.scaleb(value, MAX_SCALE))))
    except DecimalException as error:
        raise EngineFault(f"a decimal has more than {MAX_SCALE} digits after the point") from error


def _instant(value: Any) -> int:
    if value.tzinfo is None:
        raise EngineFault("an instant has no offset")
    return micros(value)


ENCODERS: dict[str, Callable[[Any], str | int]] = {
    "boolean": int,
    "integer": _integer,
    "decimal": _decimal,
    "text": _text,
    "instant": _instant,
    "duration": lambda value: _integer(length_micros(value)),
    "date": lambda value: int(value.toordinal()),
}


def _kinds_of(checks: Iterable[Check]) -> dict[str, str]:
    """Return the type by which each fact is compared. Rules that compare one fact by two types were never checked."""
    kinds: dict[str, str] = {}
    for check in checks:
        for value in check.expected:
            if kinds.setdefault(check.fact, kind_of(value)) != kind_of(value):
                raise EngineFault(f"fact {check.fact} is compared with {kinds[check.fact]} and with {kind_of(value)}")
    return kinds


def _numbered(prefix: str, keys: Iterable[Any]) -> dict[Any, str]:
    return {key: f"{prefix}{at}" for at, key in enumerate(dict.fromkeys(keys))}


def _rule(conjuncts: list[Json]) -> Json:
    return {"all": [{"m": {"$and": [{GUARD: 1}, *conjuncts]}}]}
