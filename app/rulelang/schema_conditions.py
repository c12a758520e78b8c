"""The JSON Schema of conditions, from the tables of operators and of what `conditions.py` reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.rulelang.conditions import GROUPS, IF_MISSING, MAX_DEPTH, MAX_IN_GROUP, MAX_MEMBERS, QUANTIFIERS, SOURCES
from app.rulelang.operators import BETWEEN_FACTS, OPERATORS
from app.rulelang.schema_shapes import Schema, by_key, object_of, one_of_keys, ref, where, words

WORDS = {
    "fact": "A comparison: the fact that is looked at; with `op`, and mostly `value`.",
    "op": "A comparison: the operator.",
    "all": "True when every one of these conditions is true.",
    "any": "True when at least one of these conditions is true.",
    "not": "True when this condition is false.",
    "any_item": "A list of records, such as `items`: true when `where` holds for at least one of its items.",
    "every_item": "A list of records, such as `items`: true when `where` holds for each of its items, and for none at all.",
    "no_item": "A list of records, such as `items`: true when `where` holds for none of its items.",
    "always": "True for everything.",
}
assert WORDS.keys() == {"fact", "op", *GROUPS, *QUANTIFIERS, "always"}
ABSENT = {
    "match": "With an absent fact the condition is true.",
    "no_match": "With an absent fact the condition is false.",
}
assert tuple(ABSENT) == IF_MISSING
_SOURCE_WORDS = {
    "param": "The name of a parameter, whose value each contract version gives under `params`.",
    "list": "The name of a named list, as it was when the rules were approved.",
    "fact": "The name of another fact of the same type.",
}
assert _SOURCE_WORDS.keys() == SOURCES.keys()
_SCALAR: Schema = {
    "type": ["string", "integer", "boolean"],
    "description": 'A value of the fact\'s type. Money and other decimals are strings: write "12.50", not 12.50. Dates, '
    "instants and durations are strings as well.",
}
_HOW_MANY = {
    0: "takes no value",
    1: "takes one value",
    2: "takes a list of two values, low and high; both ends belong to it",
    None: "takes a list of values",
}


def condition_parts(name: str, fact: Schema, records: Schema) -> dict[str, Schema]:
    """Return the named parts of conditions on facts, or on the fields of an item, by their names.

    They are called `name` and what begins with it. What a condition says of items is of another name: `item_condition`.
    """
    inner = ref(name)
    listed = {"type": "array", "minItems": 1, "maxItems": MAX_IN_GROUP, "items": inner}
    shapes: dict[str, tuple[str, Schema]] = {
        "all": ("All of", listed),
        "any": ("Any of", listed),
        "not": ("Not", inner),
    }
    parts = [((word,), _alone(word, *shapes[word])) for word in GROUPS]
    parts += [((word,), _items(word, records)) for word in QUANTIFIERS]
    always = {"const": True, "description": WORDS["always"]}
    parts.append((("always",), object_of("Always", WORDS["always"], {"always": always}, {})))
    condition = {
        "title": "Condition",
        "description": "A comparison of a fact, a group of conditions, a test of the items of a list, or `always`. "
        f"At most {MAX_DEPTH} levels deep.",
        "type": "object",
        "allOf": by_key(WORDS, [(("fact", "op"), ref(f"{name}_comparison")), *parts], "A condition"),
        "examples": [{"fact": "order_value", "op": "gte", "value": "50.00"}, {"always": True}],
    }
    return {name: condition, f"{name}_comparison": _comparison(name, fact), f"{name}_value": _one(fact)}


def _alone(word: str, title: str, shape: Schema) -> Schema:
    return object_of(title, WORDS[word], {word: shape | {"description": WORDS[word]}}, {})


def _items(word: str, records: Schema) -> Schema:
    title = word.replace("_", " ").capitalize()
    required = {
        word: records | {"description": WORDS[word]},
        "where": ref("item_condition", "What is asked of one item."),
    }
    return object_of(title, WORDS[word], required, {"if_missing": ref("if_missing")})


def _comparison(name: str, fact: Schema) -> Schema:
    shape = object_of(
        "Comparison",
        "A fact, an operator, and what it is compared with. A comparison with an absent fact is false, unless `if_missing` "
        "says otherwise.",
        {"fact": fact, "op": ref("operator")},
        {
            "value": {"description": "What the fact is compared with; how many values, the operator says."},
            "if_missing": ref("if_missing"),
        },
    )
    return shape | {"allOf": list(_by_operator(name))}


def _by_operator(name: str) -> Iterator[Schema]:
    """Yield what each kind of operator wants as its value."""
    kinds: dict[tuple[int | None, bool], list[str]] = {}
    for word, operator in OPERATORS.items():
        kinds.setdefault((operator.arity, word in BETWEEN_FACTS), []).append(word)
    for (arity, compares_facts), ops in kinds.items():
        value = f"{name}_value" if compares_facts else {1: "value", 2: "two_values", None: "values"}.get(arity)
        then = (
            {"required": ["value"], "properties": {"value": ref(value)}} if value else {"properties": {"value": False}}
        )
        yield {"if": where("op", {"enum": ops}), "then": then}


def _one(fact: Schema | None = None) -> Schema:
    """Return one value, which may be that of another fact where the names of facts are given."""
    literal = _SCALAR | {"type": [*_SCALAR["type"], "object"], "title": "One value"}
    return _or_from(literal, "param") if fact is None else _or_from(literal, "param", fact=fact)


def shared_parts() -> dict[str, Schema]:
    """Return what conditions on facts and on items both refer to."""
    meanings = {
        word: f"{operator.words}\n\n{word} {_HOW_MANY[operator.arity]}. Types: {', '.join(sorted(operator.types))}."
        for word, operator in OPERATORS.items()
    }
    several = {"type": ["array", "object"], "items": ref("scalar"), "maxItems": MAX_MEMBERS}
    return {
        "operator": words(meanings, title="Operator", description="How the fact is compared.", type="string"),
        "if_missing": words(ABSENT, title="If missing", description="What an absent fact means."),
        "scalar": _SCALAR,
        "value": _one(),
        "two_values": _or_from({"title": "Low and high", **several, "minItems": 2, "maxItems": 2}, "param"),
        "values": _or_from({"title": "Values", **several, "minItems": 1}, "param", "list"),
    }


def _or_from(literal: Schema, *sources: str, fact: Schema | None = None) -> Schema:
    """Return a value that stands in the rule, or is taken from one of some sources."""
    taken: dict[str, Any] = {word: {"type": "string", "description": _SOURCE_WORDS[word]} for word in sources}
    if fact is not None:
        taken["fact"] = fact | {"description": _SOURCE_WORDS["fact"]}
    return literal | {"if": {"type": "object"}, "then": one_of_keys(taken)}
