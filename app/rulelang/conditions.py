"""JSON to conditions: shape, limits and words. Whether facts exist and values fit is the type check's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from app.core.errors import pointer_of
from app.core.json_text import JsonFloat
from app.rulelang.ast import AllOf, Always, AnyOf, Condition, Items, Leaf, Not, Source
from app.rulelang.diagnostics import described, did_you_mean
from app.rulelang.operators import BETWEEN_FACTS, OPERATORS
from app.rulelang.reader import Reader

MAX_DEPTH, MAX_GROUPS, MAX_LEAVES, MAX_MEMBERS = 6, 12, 50, 10_000
MAX_IN_GROUP = MAX_LEAVES + MAX_GROUPS
GROUPS = ("all", "any", "not")
_OF_MANY = tuple(op for op, operator in OPERATORS.items() if operator.arity is None)
SOURCES = {
    "param": ("parameter", tuple(op for op, operator in OPERATORS.items() if operator.arity != 0)),
    "list": ("list", _OF_MANY),
    "fact": ("fact", BETWEEN_FACTS),
}
QUANTIFIERS = ("any_item", "every_item", "no_item")
IF_MISSING = ("match", "no_match")


@dataclass(slots=True)
class _Count:
    """What has been counted of one rule so far."""

    groups: int = 0
    leaves: int = 0


def read_condition(reader: Reader, data: Any, at: str) -> Condition | None:
    """Return the condition at a pointer, or None with findings."""
    count = _Count()
    condition = _condition(reader, data, at, 1, count)
    for found, most, code, what in (
        (count.groups, MAX_GROUPS, "too_many_groups", "groups (all, any, not)"),
        (count.leaves, MAX_LEAVES, "too_many_leaves", "comparisons"),
    ):
        if found > most:
            reader.findings.add(code, at, f"{found} {what} in one rule; at most {most} are allowed", "split the rule")
            condition = None
    return condition


def _condition(reader: Reader, data: Any, at: str, depth: int, count: _Count) -> Condition | None:
    if depth > MAX_DEPTH:
        reader.findings.add("too_deep", at, f"nested beyond {MAX_DEPTH} levels", "split the rule")
        return None
    if not isinstance(data, dict):
        hint = 'for example {"fact": "country", "op": "eq", "value": "US"}'
        reader.findings.add("wrong_type", at, f"expected a condition, found {described(data)}", hint)
        return None
    if "fact" in data or "op" in data:
        count.leaves += 1
        return _leaf(reader, data, at)
    groups = [key for key in (*GROUPS, *QUANTIFIERS, "always") if key in data]
    if len(groups) == 1 and groups[0] in QUANTIFIERS:
        count.leaves += 1
        return _items(reader, groups[0], data, at, depth, count)
    if len(groups) != 1:
        _refuse_unknown(reader, data, at, groups)
        return None
    reader.object(data, at, groups, what="a condition")
    if groups == ["always"]:
        if data["always"] is not True:
            message, hint = f"always is true; found {described(data['always'])}", 'for never: {"not": {"always": true}}'
            reader.findings.add("wrong_type", at + "/always", message, hint)
        return Always()
    count.groups += 1
    return _group(reader, groups[0], data[groups[0]], at + pointer_of(groups[0]), depth, count)


def _group(reader: Reader, word: str, data: Any, at: str, depth: int, count: _Count) -> Condition | None:
    if word == "not":
        part = _condition(reader, data, at, depth + 1, count)
        return None if part is None else Not(part)

    def read(member: Any, where: str) -> Condition | None:
        return _condition(reader, member, where, depth + 1, count)

    if isinstance(data, list) and len(data) > MAX_LEAVES + MAX_GROUPS:  # not worth reading one by one
        count.leaves += len(data)
        return None
    parts: list[Condition] = reader.items(data, at, read, most=MAX_LEAVES + MAX_GROUPS, code="too_many_leaves")
    if data == []:
        reader.findings.add(
            "empty_group", at, f"{word} has no conditions", 'to match everything write {"always": true}'
        )
    return AllOf(tuple(parts)) if word == "all" else AnyOf(tuple(parts))


def _items(reader: Reader, word: Any, data: dict[str, Any], at: str, depth: int, count: _Count) -> Condition | None:
    """Read what must hold for the items of a list. What stands in `where` counts to the limits of the rule."""
    before = len(reader.findings.all)
    reader.object(data, at, (word, "where"), ("if_missing",), word)
    fact = data[word]
    if not isinstance(fact, str):
        message = f"{word} is followed by the name of a list of records; found {described(fact)}"
        reader.findings.add("wrong_type", at + pointer_of(word), message)
    if_missing = data.get("if_missing")
    if "if_missing" in data:
        reader.word(if_missing, at + "/if_missing", IF_MISSING)
    where = _condition(reader, data["where"], at + "/where", depth + 1, count) if "where" in data else None
    if where is None or len(reader.findings.all) > before:
        return None
    return Items(word, fact, where, if_missing, at)


def _refuse_unknown(reader: Reader, data: dict[str, Any], at: str, groups: list[str]) -> None:
    if groups:
        reader.findings.add(
            "unknown_condition", at, f"one condition has both {' and '.join(groups)}", "nest one of them"
        )
    else:
        words = ("fact", *GROUPS, *QUANTIFIERS, "always")
        hint = did_you_mean(next(iter(map(str, data)), ""), words)
        reader.findings.add(
            "unknown_condition", at, f"expected one of {', '.join(words)}; found {described_keys(data)}", hint
        )


def described_keys(data: dict[str, Any]) -> str:
    """Return the keys of an object for a message."""
    return ", ".join(sorted(described(key) for key in list(data)[:5])) or "an empty object"


def _leaf(reader: Reader, data: dict[str, Any], at: str) -> Leaf | None:
    before = len(reader.findings.all)
    if reader.object(data, at, ("fact", "op"), ("value", "if_missing"), "a comparison") is None:
        return None
    fact, op = data["fact"], data["op"]
    if not isinstance(fact, str):
        reader.findings.add("wrong_type", at + "/fact", f"fact is the name of a fact; found {described(fact)}")
    if not isinstance(op, str) or op not in OPERATORS:
        _refuse_operator(reader, op, at + "/op")
    if_missing = data.get("if_missing")
    if "if_missing" in data:
        reader.word(if_missing, at + "/if_missing", IF_MISSING)
    if len(reader.findings.all) > before:
        return None
    word = _taken_from(data.get("value"))
    if word is not None and OPERATORS[op].arity != 0:
        return _leaf_with_source(reader, Leaf(fact, op, (), if_missing, at), word, data["value"])
    expected = _expected(reader, op, data, at)
    return None if expected is None else Leaf(fact, op, expected, if_missing, at)


def _taken_from(value: Any) -> str | None:
    """Return from what a value is taken: a fact, a parameter or a list; None if it stands in the rule."""
    return next((word for word in SOURCES if word in value), None) if isinstance(value, dict) else None


def _leaf_with_source(reader: Reader, leaf: Leaf, word: str, value: dict[str, Any]) -> Leaf | None:
    """Return a leaf whose value is `{word: name}`."""
    before, at = len(reader.findings.all), leaf.pointer + "/value"
    what, ops = SOURCES[word]
    reader.object(value, at, (word,), what=f"a value from a {what}")
    name = value[word]
    if not isinstance(name, str):
        message = f"{word} is the name of a {what}; found {described(name)}"
        reader.findings.add("wrong_type", at + pointer_of(word), message)
    elif leaf.op not in ops:
        message = f"{leaf.op} takes no value from a {what}; {', '.join(ops)} do"
        reader.findings.add("source_not_here", at, message)
    if len(reader.findings.all) > before:
        return None
    if word == "fact":
        return replace(leaf, other_fact=name)
    return replace(leaf, source=Source("param" if word == "param" else "list", name))


# What people write who know the sign, or another language.
_OTHER_NAMES = {
    "eq": ("=", "==", "equals", "is"),
    "neq": ("!=", "<>", "≠", "ne"),
    "lt": ("<",),
    "lte": ("<=", "≤", "le"),
    "gt": (">",),
    "gte": (">=", "≥", "ge"),
    "in": ("one_of", "any_of"),
    "not_in": ("nin", "none_of"),
    "contains": ("like", "includes"),
    "starts_with": ("prefix",),
    "missing": ("null", "is_null", "absent"),
    "exists": ("present",),
    "is_empty": ("empty",),
}
_MEANT = {other: op for op, others in _OTHER_NAMES.items() for other in others}


def _refuse_operator(reader: Reader, op: Any, at: str) -> None:
    hint = f"known: {', '.join(OPERATORS)}"
    if isinstance(op, str):
        meant = _MEANT.get(op.strip().lower())
        hint = f"did you mean {meant!r}?" if meant else did_you_mean(op, OPERATORS) or hint
    reader.findings.add("unknown_operator", at, f"unknown operator {described(op)}", hint)


def _expected(reader: Reader, op: str, data: dict[str, Any], at: str) -> tuple[Any, ...] | None:
    """Return what the operator compares with, still raw; scalars only."""
    arity, where = OPERATORS[op].arity, at + "/value"
    if arity == 0:
        if "value" in data:
            reader.findings.add("unknown_key", where, f"{op} takes no value", "leave it out")
            return None
        return ()
    if "value" not in data:
        reader.findings.add("missing_key", at, f"{op} needs the key 'value'")
        return None
    value = data["value"]
    if (
        isinstance(value, list)
        and 2 < len(value) <= MAX_MEMBERS
        and arity is None
        and _SCALARS.issuperset(map(type, value))
    ):
        return tuple(value)  # ten thousand members need not be looked at one by one
    if arity == 1:
        return (value,) if _is_scalar(reader, value, where) else None
    members = reader.items(
        value,
        where,
        lambda member, place: (member,) if _is_scalar(reader, member, place) else None,
        most=MAX_MEMBERS,
        code="too_many_members",
    )
    if not isinstance(value, list) or len(members) != len(value):
        return None
    if arity == 2 and len(members) != 2:
        reader.findings.add("wrong_type", where, f"between takes two values, low and high; found {len(members)}", _ENDS)
        return None
    if not members:
        reader.findings.add("empty_group", where, f"{op} has no members", "name one, or leave the comparison out")
        return None
    return tuple(member for (member,) in members)


_ENDS = "for one end alone use gte or lte"
_SCALARS = frozenset({str, int, bool, JsonFloat})


def _is_scalar(reader: Reader, value: Any, at: str) -> bool:
    word = _taken_from(value)
    if word is not None:
        message = f"a member is one value, not a value from a {SOURCES[word][0]}"
        hint = 'a parameter or a list stands for all members: {"param": …}, {"list": …}'
        reader.findings.add("source_not_here", at, message, hint)
        return False
    if value is None or isinstance(value, dict | list):
        several = "for several values use in, not_in, contains_any or contains_all"
        advice = "to test for absence use missing" if value is None else several if isinstance(value, list) else None
        reader.findings.add("wrong_type", at, f"expected one value, found {described(value)}", advice)
        return False
    return isinstance(value, str | int | bool | float | JsonFloat)
