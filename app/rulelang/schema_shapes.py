"""The small shapes that a JSON Schema of rules is made of: objects, words, names, decimals. What they mean is `schema.py`'s."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from app.core.money import SHAPE
from app.rulelang.facts import Fact

Schema: TypeAlias = dict[str, Any]


def ref(name: str, description: str = "") -> Schema:
    """Return a reference to a named part of the same document, with words of its own where they are given."""
    return {"$ref": f"#/$defs/{name}"} | ({"description": description} if description else {})


def object_of(title: str, description: str, required: Mapping[str, Any], optional: Mapping[str, Any]) -> Schema:
    """Return an object that has all required keys and no unknown one."""
    properties = {**required, **optional}
    shape: Schema = {"title": title, "description": description, "type": "object"}
    return {**shape, "properties": properties, "required": list(required), "additionalProperties": False}


def one_of_keys(keys: Mapping[str, Any]) -> Schema:
    """Return an object with exactly one of some keys."""
    return {"type": "object", "properties": dict(keys), "additionalProperties": False, "minProperties": 1} | (
        {"maxProperties": 1} if len(keys) > 1 else {}
    )


def words(known: Mapping[str, str] | Iterable[str], **more: Any) -> Schema:
    """Return a choice of words. What each means stands in `enumDescriptions`, which no standard has and editors show."""
    found: Schema = {"enum": list(known), **more}
    if isinstance(known, Mapping):
        found["enumDescriptions"] = list(known.values())
    return found


def has(*keys: str) -> Schema:
    """Return the test of an object for one of some keys; what is no object has none."""
    tests = [{"required": [key]} for key in keys]
    return {"type": "object", **(tests[0] if len(tests) == 1 else {"anyOf": tests})}


def where(key: str, value: Schema) -> Schema:
    """Return the test of an object for a key whose value is as given."""
    return {"type": "object", "properties": {key: value}, "required": [key]}


def by_key(known: Mapping[str, str], shapes: Iterable[tuple[tuple[str, ...], Schema]], what: str) -> list[Schema]:
    """Return the parts that decide by its keys what an object has to look like.

    Each is an if with a then, so that a defect is reported by the one shape that was meant. An object without any of
    the known keys is told them.
    """
    parts = [{"if": has(*keys), "then": shape} for keys, shape in shapes]
    none = {"title": what, "propertyNames": words(known), "minProperties": 1}
    return [*parts, {"if": {"not": has(*known)}, "then": none}]


def anchored(pattern: re.Pattern[str]) -> str:
    """Return a pattern as JSON Schema wants it, which looks for it anywhere."""
    return f"^(?:{pattern.pattern})$" if "|" in pattern.pattern else f"^{pattern.pattern}$"


def decimal(description: str, *, least: str = "", example: str = "12.50", nullable: bool = False) -> Schema:
    """Return a decimal, which is a string; `least` "0" refuses negative ones, "+" zero as well."""
    ahead = {"": "", "0": "(?!-.*[1-9])", "+": "(?!-)(?=.*[1-9])"}[least]
    kind = ["string", "null"] if nullable else "string"
    pattern = f"^{ahead}{anchored(SHAPE).removeprefix('^')}"
    return {"type": kind, "pattern": pattern, "description": description, "examples": [example]}


def about(fact: Fact) -> str:
    """Return what an editor says of a fact."""
    kind = f"{fact.type} ({fact.unit})" if fact.unit else fact.type
    presence = "computed" if fact.derived else "required" if fact.required else "optional"
    subject = f" of a {fact.subject}" if fact.subject != "conversion" else ""
    among = f"\n\nOne of: {', '.join(fact.values)}" if fact.values else ""
    fields = f"\n\nFields: {', '.join(field.name for field in fact.fields)}" if fact.fields else ""
    example = f"\n\nFor example {fact.example}" if fact.example else ""
    return f"{fact.meaning}\n\n{kind}{subject}, {presence}{among}{fields}{example}"


def names(facts: Iterable[Fact], *, closed: bool, most: int | None = None) -> Schema:
    """Return the names of facts: those that are known and no other, or those as suggestions."""
    known = {fact.name: about(fact) for fact in facts}
    if closed:
        return words(known, type="string")
    limits = {"minLength": 1, "maxLength": most} if most else {}
    other = {"type": "string", "description": "A fact that the program declares."}
    suggested = [{"const": name, "description": meaning} for name, meaning in known.items()]
    return {"type": "string", **limits, **({"anyOf": [*suggested, other]} if suggested else {})}
