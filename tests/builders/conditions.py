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
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not
from app.rulelang.facts import Catalogue, catalogue_from, item_catalogue, typed_scalar, typed_value
from app.rulelang.operators import OPERATORS

V = TypeVar("V")
FACTS_FILE = Path(__file__).parents[2] / "rules" / "facts.yaml"
# Names that an engine might take for its own.
AWKWARD = ("id", "ID", "sid", "label", "exception", "$s", "go", "f0", 'naïve "fact"')


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the product's facts and some with awkward names."""
    data = yaml.safe_load(FACTS_FILE.read_text(encoding="utf-8"))
    return catalogue_from(data | {name: {"type": "text", "meaning": "awkwardly named"} for name in AWKWARD})


def condition(short: Any) -> Condition:
    """Return the condition of a short form."""
    return _condition(short, catalogue())


def _condition(short: Any, known: Catalogue) -> Condition:
    match short:
        case {"all": parts}:
            return AllOf(tuple(_condition(part, known) for part in parts))
        case {"any": parts}:
            return AnyOf(tuple(_condition(part, known) for part in parts))
        case {"not": part}:
            return Not(_condition(part, known))
        case {"always": True}:
            return Always()
        case {"where": where, **rest}:
            if_missing = rest.pop("if_missing", None)
            ((quantifier, fact),) = rest.items()
            return Items(quantifier, fact, _condition(where, item_catalogue(known[fact])), if_missing)  # type: ignore[arg-type]
        case [str(fact), str(op), *rest]:
            return _leaf(known, fact, op, *rest)
    raise ValueError(f"no condition: {short!r}")


def leaf(fact: str, op: str, value: Any = None, if_missing: Any = None) -> Leaf:
    """Return a leaf with its values typed by the catalogue."""
    return _leaf(catalogue(), fact, op, value, if_missing)


def _leaf(facts: Catalogue, fact: str, op: str, value: Any = None, if_missing: Any = None) -> Leaf:
    if isinstance(value, dict):
        return Leaf(fact, op, (), if_missing, other_fact=value["fact"], kind=facts[fact].type)
    values = value if OPERATORS[op].arity in (None, 2) else [] if OPERATORS[op].arity == 0 else [value]
    known = facts[fact]
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
