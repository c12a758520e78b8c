"""What changed between two versions of a contract: attribute by attribute, and rule version by rule version. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.contracts.content import said_besides_rules
from app.core.errors import pointer_of
from app.core.instants import write_instant
from app.engine.settlement_words import settlement_words
from app.rulelang.ast import KINDS, Body
from app.rulelang.change import Change, Kind, kind_of_change
from app.rulelang.changes import body_changes
from app.store.models import ContractVersion

UNREADABLE = "these rules do not fit the lists and facts as they are now, so what changed in them cannot be said"


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that a contract version says besides its rules: its name in JSON, its value, and how that is said."""

    name: str
    label: str
    value: Callable[[ContractVersion], Any]
    words: Callable[[Any], str] = str


def _attributes(version: ContractVersion) -> dict[str, Any]:
    return said_besides_rules(version).as_data()


def _or_none(value: Any) -> str:
    return "none" if value is None else str(value)


def _renewal_words(renewal: Any) -> str:
    """Say a renewal as people do: fixed, for 12 months, with 30 days of notice, 3 % more."""
    if renewal is None:
        return "none"
    parts = [renewal["mode"]]
    if renewal.get("months"):
        parts.append(f"for {renewal['months']} months")
    if renewal.get("notice_days"):
        parts.append(f"with {renewal['notice_days']} days of notice")
    if renewal.get("uplift"):
        parts.append(f"{renewal['uplift']} % more")
    if renewal.get("counted_from"):
        parts.append(f"terms counted from {renewal['counted_from']}")
    return ", ".join(parts)


# One line for each attribute. What a version says and what is not in here is not compared.
ATTRIBUTES = (
    Attribute("effective_from", "in force from ", lambda version: write_instant(version.effective_from)),
    Attribute("kind", "kind of version: ", lambda version: version.kind),
    Attribute("value", "value of the contract: ", lambda version: _attributes(version)["value"], _or_none),
    Attribute("ends_on", "the term ends on ", lambda version: _attributes(version)["ends_on"], _or_none),
    Attribute("renewal", "renewal: ", lambda version: _attributes(version)["renewal"], _renewal_words),
    Attribute("settlement", "settlement: ", lambda version: _attributes(version)["settlement"], settlement_words),
    Attribute("backdated", "back-dating: ", lambda version: version.backdated or "none"),
    Attribute(
        "termination",
        "what starts: ",
        lambda version: version.is_termination,
        lambda is_termination: "the end of the contract" if is_termination else "terms",
    ),
)


@dataclass(frozen=True, slots=True)
class DatedRules:
    """A rule version with its start; the body is None where it cannot be read any more."""

    id: str
    kind: str
    effective_from: datetime
    written: Mapping[str, Any]
    body: Body | None


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """What became of the rules of a kind from a start on: same, changed, a new start, or one that is gone."""

    kind: str
    effective_from: datetime
    change: Kind | None
    rules: str | None
    compared_with: str | None
    changes: tuple[Change, ...] = ()

    @property
    def says(self) -> str:
        """Return the sentence that stands before the changes."""
        start = write_instant(self.effective_from)
        match self.change:
            case "added" if self.compared_with:
                return f"{self.kind} rules change once more, from {start} on"
            case "added":
                return f"{self.kind} rules from {start} on"
            case "removed":
                return f"{self.kind} rules do not change from {start} on any more: {self.compared_with} is gone"
            case _:
                return f"{self.kind} rules from {start} on"


def attribute_changes(before: ContractVersion | None, after: ContractVersion) -> list[Change]:
    """Return what changed in everything that is not rules, parameters by name; all of it is new without a before."""
    found = [change for attribute in ATTRIBUTES if (change := _attribute(attribute, before, after)) is not None]
    return found + list(_params({} if before is None else before.params, after.params))


def _attribute(attribute: Attribute, before: ContractVersion | None, after: ContractVersion) -> Change | None:
    was, now = (None if version is None else attribute.value(version) for version in (before, after))
    if was == now:
        return None
    says = f"{attribute.label}{attribute.words(now)}"
    if was is not None:
        says += f" instead of {attribute.words(was)}"
    return Change(pointer_of(attribute.name), kind_of_change(was, now), was, now, says)


def _params(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if json.dumps(was) == json.dumps(now):  # as JSON: 5 is not "5", and true is not 1
            continue
        texts = [json.dumps(value, ensure_ascii=False) for value in (was, now)]
        says = {
            "added": f"parameter {name} is {texts[1]}",
            "removed": f"parameter {name} is gone; it was {texts[0]}",
            "changed": f"parameter {name} is {texts[1]} instead of {texts[0]}",
        }
        kind = kind_of_change(was, now)
        yield Change(pointer_of("params", name), kind, was, now, says[kind])


def rule_changes(before: Sequence[DatedRules], after: Sequence[DatedRules], start: datetime) -> list[RulesChanged]:
    """Return what became of the rules of each kind; `start` is where the version after starts.

    Rules are compared with those that the version before has in force at their start, or begins with.
    """
    found: list[RulesChanged] = []
    for kind in KINDS:
        was, now = (sorted(_of_kind(side, kind), key=lambda rules: rules.effective_from) for side in (before, after))
        found += [_compared(was, rules, is_first=index == 0) for index, rules in enumerate(now)]
        found += _dropped(was, now, start)
    return found


def _of_kind(rules: Sequence[DatedRules], kind: str) -> list[DatedRules]:
    return [one for one in rules if one.kind == kind]


def _compared(was: Sequence[DatedRules], rules: DatedRules, *, is_first: bool) -> RulesChanged:
    started = [one for one in was if one.effective_from <= rules.effective_from]
    base = (started or was[:1])[-1] if was else None
    changes = tuple(_changes(base, rules))
    is_new_start = not is_first and not any(one.effective_from == rules.effective_from for one in was)
    change: Kind | None = "added" if base is None or is_new_start else "changed" if changes else None
    compared_with = None if base is None else base.id
    return RulesChanged(rules.kind, rules.effective_from, change, rules.id, compared_with, changes)


def _changes(before: DatedRules | None, after: DatedRules) -> list[Change]:
    if after.body is None or (before is not None and before.body is None):
        was = None if before is None else before.written
        return [Change("", kind_of_change(was, after.written), was, after.written, UNREADABLE)]
    return body_changes(None if before is None else before.body, after.body)


def _dropped(was: Sequence[DatedRules], now: Sequence[DatedRules], start: datetime) -> list[RulesChanged]:
    """Return the later starts of the version before that the one after has not: its rules go on there."""
    starts = {one.effective_from for one in now}
    later = [one for one in was[1:] if one.effective_from > start and one.effective_from not in starts]
    return [RulesChanged(one.kind, one.effective_from, "removed", None, one.id) for one in later]
