"""What applying a document would change, told from what is there. Pure: nothing is fetched or written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from typing import Any, Literal

from app.contract_files.document import Document, ListSaid, comparable, rules_text, start_text
from app.contract_files.said import Stated
from app.contracts.whole import WholeRules, WholeVersion
from app.core.errors import Finding, pointer_of
from app.rulelang.ast import PLACES

Action = Literal["same", "create", "extend", "draft", "edit", "replace", "add rules", "not in the file"]
InWords = Callable[[Document, WholeVersion], list[str]]
"""Says a version in sentences, one a line."""
NO_CHANGE = ("same", "not in the file")


@dataclass(frozen=True, slots=True)
class There:
    """What is in the database of that which a document names; None or nothing where there is none."""

    program: Mapping[str, Any] | None
    partner: Mapping[str, Any] | None
    lists: Mapping[str, ListSaid]
    contract: Mapping[str, Any] | None = None
    document: Document | None = None
    stated: Sequence[Stated] = ()
    # Whether anything of the contract is approved, so that conversions may have been decided by it.
    has_terms: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A program, a partner, a list or the contract's frame, and what is to be done about it."""

    what: str
    name: str
    action: Action
    note: str = ""


@dataclass(frozen=True, slots=True)
class AddedRules:
    """A rule version to add to an approved contract version, or the draft of one, by number, to edit."""

    kind: str
    rules: WholeRules
    edits: int | None = None


@dataclass(frozen=True, slots=True)
class VersionPlan:
    """One version: what is to be done about it, and which version of the database it is about."""

    start: str
    action: Action
    said: WholeVersion
    number: int | None = None
    state: str | None = None
    added: tuple[AddedRules, ...] = ()
    diff: tuple[str, ...] = ()
    # Where it stands in the document; None where it does not.
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a document would do, and why it cannot be done, if so."""

    contract: str
    parts: tuple[Part, ...]
    versions: tuple[VersionPlan, ...]
    refusals: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def changes(self) -> bool:
        """Tell whether anything would be written."""
        actions = [*(part.action for part in self.parts), *(version.action for version in self.versions)]
        return any(action not in NO_CHANGE for action in actions)


def plan_of(document: Document, there: There, in_words: InWords) -> Plan:
    """Return what is to be done so that the database says what the document says.

    Nothing that is there is taken away, and frames never change: a document with another one is refused.
    """
    refusals: list[Finding] = []
    notes: list[str] = []
    parts = (
        _program(document, there, refusals, notes),
        _partner(document, there, notes),
        *(_list(name, said, there.lists.get(name), refusals) for name, said in document.lists.items()),
        _contract(document, there, refusals),
    )
    versions = _versions(document, there, in_words)
    return Plan(document.id, parts, tuple(versions), tuple(refusals), tuple(notes))


def _program(document: Document, there: There, refusals: list[Finding], notes: list[str]) -> Part:
    said, found, name = document.program, there.program, str(document.program["id"])
    if found is None:
        return Part("program", name, "create")
    _refuse_others("program", said, found, ("currency", "timezone", "attribution"), refusals)
    _note_name("program", said, found, notes)
    facts, known = said.get("facts") or {}, found.get("facts") or {}
    for fact in sorted(facts.keys() & known.keys()):
        if facts[fact] != known[fact]:
            message = f"the program {name} declares {fact} otherwise, and facts never change"
            refusals.append(Finding("differs", message, "/program/facts" + pointer_of(fact)))
    new = sorted(facts.keys() - known.keys())
    return Part("program", name, "extend" if new else "same", f"declares {', '.join(new)}" if new else "")


def _partner(document: Document, there: There, notes: list[str]) -> Part:
    name = str(document.partner["id"])
    if there.partner is None:
        return Part("partner", name, "create")
    _note_name("partner", document.partner, there.partner, notes)
    return Part("partner", name, "same")


def _list(name: str, said: ListSaid, found: ListSaid | None, refusals: list[Finding]) -> Part:
    count = len(said.versions)
    if found is None:
        return Part("list", name, "create", f"{count} version{'s' * (count > 1)}")
    at = "/lists" + pointer_of(name)
    if said.type != found.type:
        refusals.append(Finding("differs", f"the list {name} holds {found.type}, and that never changes", at + "/type"))
    for index, (mine, theirs) in enumerate(zip(said.versions, found.versions, strict=False)):
        if list(mine) != list(theirs):
            message = f"version {index + 1} of the list {name} has other members, and versions never change"
            refusals.append(Finding("differs", message, at + "/versions" + pointer_of(index), "add a version after it"))
    new = count - len(found.versions)
    return (
        Part("list", name, "extend", f"{new} more version{'s' * (new > 1)}") if new > 0 else Part("list", name, "same")
    )


def _contract(document: Document, there: There, refusals: list[Finding]) -> Part:
    if there.contract is None:
        return Part("contract", document.id, "create")
    _refuse_others("contract", document.contract, there.contract, tuple(document.contract), refusals)
    for key, said in (("program", document.program), ("partner", document.partner)):
        if there.contract[key] != said["id"]:
            message = f"the contract {document.id} is one with the {key} {there.contract[key]}, not {said['id']}"
            refusals.append(Finding("differs", message, f"/{key}/id", "give the contract another id"))
    return Part("contract", document.id, "same")


def _refuse_others(
    what: str, said: Mapping[str, Any], found: Mapping[str, Any], keys: Sequence[str], refusals: list[Finding]
) -> None:
    for key in keys:
        if said.get(key) != found.get(key):
            message = (
                f"the {what} has the {key} {found.get(key)}, and that never changes; the file says {said.get(key)}"
            )
            refusals.append(Finding("differs", message, f"/{what}/{key}"))


def _note_name(what: str, said: Mapping[str, Any], found: Mapping[str, Any], notes: list[str]) -> None:
    if said.get("name") != found.get("name"):
        notes.append(f"The {what} is named {found.get('name') or found['id']}; its name is left as it is.")


def _versions(document: Document, there: There, in_words: InWords) -> list[VersionPlan]:
    by_start = {one.said.start: one for one in there.stated}
    plans = [
        _version(document, there, place, said, by_start.get(said.start), in_words)
        for place, said in enumerate(document.versions)
    ]
    _keep_bundles(plans)
    mine = {said.start for said in document.versions}
    plans += [
        VersionPlan(start_text(start, document.timezone), "not in the file", one.said, one.number, one.state)
        for start, one in by_start.items()
        if start not in mine
    ]
    return sorted(plans, key=lambda plan: plan.said.start)


def _version(
    document: Document, there: There, place: int, said: WholeVersion, found: Stated | None, in_words: InWords
) -> VersionPlan:
    start = start_text(said.start, document.timezone)
    if found is None or there.document is None:
        return VersionPlan(start, "draft", said, place=place)
    mine, theirs = (comparable(replace(each, backdated=None)) for each in (said, found.said))
    # How a start in the past is meant is said of drafts only, and a file need not say it again.
    if mine == theirs and (found.state != "draft" or said.backdated in (None, found.said.backdated)):
        return VersionPlan(start, "same", said, found.number, found.state, place=place)
    before, after = in_words(there.document, found.said), in_words(document, said)
    diff = _difference(before, after)
    added = _added(document, said, found) if found.state == "approved" else None
    if added is not None:
        return VersionPlan(start, "add rules", said, found.number, found.state, added, diff, place)
    is_editable = found.state == "draft" and said.until == found.said.until and _is_whole(said.kind, found.said.kind)
    return VersionPlan(start, "edit" if is_editable else "replace", said, found.number, found.state, (), diff, place)


def _difference(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return the lines that are gone and those that are new, in order."""
    lines = list(unified_diff(before, after, n=0, lineterm=""))[2:]
    return tuple(f"{line[0]} {line[1:]}" for line in lines if not line.startswith("@@"))


def _is_whole(mine: str, theirs: str) -> bool:
    """Tell whether a draft can become what is said by an edit: what belongs to a promotion stays that."""
    return mine == theirs or not {mine, theirs} & {"promotion", "restoration"}


def _added(document: Document, said: WholeVersion, found: Stated) -> tuple[AddedRules, ...] | None:
    """Return the rule versions that an approved version lacks; None if it differs in anything else."""
    bare = replace(said, rules={}, backdated=None), replace(found.said, rules={}, backdated=None)
    if comparable(bare[0]) != comparable(bare[1]) or said.rules.keys() != found.said.rules.keys():
        return None
    added: list[AddedRules] = []
    for kind in PLACES:
        mine = {rules.start: rules for rules in said.rules.get(kind, ())}
        known = {rules.start: rules for rules in found.said.rules.get(kind, ())}
        if known.keys() - mine.keys():
            return None
        for start, rules in mine.items():
            if start in known and rules_text(rules) == rules_text(known[start]):
                continue
            number, state = found.added.get((kind, start), (None, None))
            newest = all(len(document.lists[name].versions) == meant for name, meant in rules.lists.items())
            if (start in known and state != "draft") or not newest:
                return None
            added.append(AddedRules(kind, rules, number))
    return tuple(added) or None


def _keep_bundles(plans: list[VersionPlan]) -> None:
    """A promotion that is drafted anew gets a restoration of its own, and the other way round: they share one fate."""
    for index in range(len(plans) - 1):
        pair = plans[index], plans[index + 1]
        if pair[0].said.until is None or not {each.action for each in pair} & {"draft", "replace"}:
            continue
        for offset, plan in enumerate(pair):
            if plan.action not in ("draft", "replace"):
                plans[index + offset] = replace(plan, action="replace")


def plan_data(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON data."""
    return {
        "contract": plan.contract,
        "changes": plan.changes,
        "parts": [
            {"what": part.what, "name": part.name, "action": part.action, "note": part.note} for part in plan.parts
        ],
        "versions": [
            {
                "effective_from": version.start,
                "kind": version.said.kind,
                "action": version.action,
                "number": version.number,
                "state": version.state,
                "diff": list(version.diff),
            }
            for version in plan.versions
        ],
        "refused": [finding.as_dict() for finding in plan.refusals],
        "notes": list(plan.notes),
    }
