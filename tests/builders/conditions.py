"""Builds typed conditions and facts from the short form of the conformance cases: `[fact, op, value, if_missing]`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import yaml

from app.core.errors import Finding
from app.engine.matcher import Facts, RuleConditions
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Leaf, Not
from app.rulelang.facts import Catalogue, catalogue_from, typed_scalar, typed_value
from app.rulelang.operators import OPERATORS

V = TypeVar("V")
FACTS_FILE = Path(__file__).parents[2] / "rules" / "facts.yaml"
# Names that an engine might take for its own.
AWKWARD = ("id", "sid", "label", "exception", "$s", "go", "f0", 'naïve "fact"')


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the product's facts and some with awkward names."""
    data = yaml.safe_load(FACTS_FILE.read_text(encoding="utf-8"))
    return catalogue_from(data | {name: {"type": "text", "meaning": "awkwardly named"} for name in AWKWARD})


def condition(short: Any) -> Condition:
    """Return the condition of a short form."""
    match short:
        case {"all": parts}:
            return AllOf(tuple(map(condition, parts)))
        case {"any": parts}:
            return AnyOf(tuple(map(condition, parts)))
        case {"not": part}:
            return Not(condition(part))
        case {"always": True}:
            return Always()
        case [str(fact), str(op), *rest]:
            return leaf(fact, op, *rest)
    raise ValueError(f"no condition: {short!r}")


def leaf(fact: str, op: str, value: Any = None, if_missing: Any = None) -> Leaf:
    """Return a leaf with its values typed by the catalogue."""
    if isinstance(value, dict):
        return Leaf(fact, op, (), if_missing, other_fact=value["fact"], kind=catalogue()[fact].type)
    values = value if OPERATORS[op].arity in (None, 2) else [] if OPERATORS[op].arity == 0 else [value]
    known = catalogue()[fact]
    return Leaf(fact, op, tuple(_checked(typed_scalar(known, raw)) for raw in values), if_missing)


def facts(raw: Mapping[str, Any]) -> Facts:
    """Return typed facts; null is absent."""
    return {name: _checked(typed_value(catalogue()[name], value)) for name, value in raw.items() if value is not None}


def one_rule(when: Condition) -> RuleConditions:
    """Return a set of one rule, `r`."""
    return rules({"r": when})


def rules(by_id: Mapping[str, Condition]) -> RuleConditions:
    """Return a set of rules under a hash that is theirs."""
    return RuleConditions(sha256(repr(by_id).encode()).hexdigest(), tuple(by_id.items()))


def _checked(value: V | Finding) -> V:
    if isinstance(value, Finding):
        raise ValueError(value.message)
    return value
