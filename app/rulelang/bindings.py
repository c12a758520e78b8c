"""What a rule's parameters and named lists stand for: given with a contract version, or kept by name. Not where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.canonical import content_hash
from app.core.errors import Finding, pointer_of
from app.rulelang.ast import Scalar
from app.rulelang.diagnostics import MAX_FINDINGS, described, did_you_mean
from app.rulelang.facts import Fact, typed_scalar
from app.rulelang.printer import value_text

MAX_MEMBERS = 10_000
LIST_TYPES = ("text", "integer", "decimal", "date")


@dataclass(frozen=True, slots=True)
class NamedList:
    """One version of a named list: values of one type, each once, in order. The hash tells versions apart."""

    name: str
    type: str
    members: tuple[Scalar, ...]
    hash: str


@dataclass(frozen=True, slots=True)
class Bindings:
    """The parameters of a contract version, still raw, and the lists that its rules may name."""

    params: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, NamedList] = field(default_factory=dict)


NOTHING = Bindings()


def read_list(name: str, type_: str, members: Any) -> NamedList | list[Finding]:
    """Return a list with its members typed, or what is wrong with them: the first MAX_FINDINGS defects, each by its place.

    A member that stands twice counts once, and the order is that of the values: both say nothing to a rule.
    """
    if type_ not in LIST_TYPES:
        hint = did_you_mean(type_, LIST_TYPES)
        return [Finding("unknown_choice", f"a list holds {', '.join(LIST_TYPES)}; found {type_!r}", "/type", hint)]
    if not isinstance(members, Sequence) or isinstance(members, str) or not 0 < len(members) <= MAX_MEMBERS:
        found = f"{len(members):,} members" if isinstance(members, list) else described(members)
        message = f"a list has 1 to {MAX_MEMBERS:,} members; found {found}"
        return [
            Finding("too_many_members" if isinstance(members, list) and members else "wrong_type", message, "/members")
        ]
    member = Fact(f"a member of {name}", type_, "")
    typed: set[Any] = set()
    wrong: list[Finding] = []
    for at, raw in enumerate(members):
        value = typed_scalar(member, raw)
        if not isinstance(value, Finding):
            typed.add(value)
        elif len(wrong) == MAX_FINDINGS:
            message = f"more than {MAX_FINDINGS} members are wrong; what follows was not read"
            return [*wrong, Finding("too_many_findings", message, "/members" + pointer_of(at))]
        else:
            wrong.append(value.at("/members" + pointer_of(at)))
    if wrong:
        return wrong
    distinct: list[Any] = sorted(typed)
    texts = [value_text(value) for value in distinct]
    return NamedList(name, type_, tuple(distinct), content_hash({"type": type_, "members": texts}))


def member_texts(found: NamedList) -> list[str]:
    """Return the members as they are kept: text that `read_list` reads as the same values."""
    return [value_text(value) for value in found.members]


def lists_named(data: Any) -> frozenset[str]:
    """Return the names of all lists that a raw rule body mentions, whether it can be read or not."""
    return _named(data, "list")


def params_named(data: Any) -> frozenset[str]:
    """Return the names of all parameters that a raw rule body mentions, whether it can be read or not."""
    return _named(data, "param")


def _named(data: Any, word: str) -> frozenset[str]:
    found: set[str] = set()
    waiting = [data]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            name = part.get(word)
            found.update([name] if isinstance(name, str) else [])
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return frozenset(found)
