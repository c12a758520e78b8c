"""What the versions in the database say, as a document says it: of each start the one version that would be in force if
everything that waits were approved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.contracts.attributes import ATTRIBUTES
from app.contracts.whole import WholeRules, WholeVersion
from app.core.instants import parse_instant
from app.rulelang.ast import KINDS
from app.rulelang.bindings import lists_named, params_named

WAITING = ("draft", "submitted")
_GONE = ("rejected", "withdrawn", "retired")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a version says, and where it is in the database: its number, how far it has come, and the rule versions that
    were added to it and wait, as (number, state) by kind and start."""

    said: WholeVersion
    number: int
    state: str
    backdated: str | None = None
    added: Mapping[tuple[str, datetime], tuple[int, str]] = field(default_factory=dict)


def stated_versions(
    versions: Iterable[Mapping[str, Any]], newest: Mapping[str, int], *, only_approved: bool = False
) -> list[Stated]:
    """Return what versions say, in order of their starts; `newest` has the number of each list's newest version.

    Of several with one start the one counts that waits for approval, the youngest first: it would take the place of
    the others. Ends of terms follow from what the terms say.
    """
    alive = [
        version
        for version in versions
        if version["status"] not in _GONE
        and version["kind"] != "expiry"
        and (version["state"] == "approved" or not only_approved)
    ]
    chosen: dict[datetime, Mapping[str, Any]] = {}
    for version in sorted(alive, key=_standing):
        chosen[_start(version)] = version
    found = [chosen[start] for start in sorted(chosen)]
    return [_stated(version, found, newest, only_approved) for version in found]


def _standing(row: Mapping[str, Any]) -> tuple[bool, int]:
    return row["state"] in WAITING, row["number"]


def _start(row: Mapping[str, Any]) -> datetime:
    found = parse_instant(row["in_force_from"] or row["effective_from"])
    assert found is not None, row
    return found


def _stated(
    version: Mapping[str, Any], versions: Sequence[Mapping[str, Any]], newest: Mapping[str, int], only_approved: bool
) -> Stated:
    start = _start(version)
    rows = {kind: _rows(version, kind, start, only_approved) for kind in KINDS}
    rules: dict[str, list[WholeRules]] = {
        kind: _rules(of_kind, start, newest) for kind, of_kind in rows.items() if of_kind
    }
    read = frozenset().union(*(params_named(each.body) for of_kind in rules.values() for each in of_kind))
    is_waiting = version["state"] in WAITING
    said = WholeVersion(
        kind=version["kind"],
        start=start,
        until=_until(version, versions),
        reason=version["reason"],
        backdated="prospective" if is_waiting and version["backdated"] == "prospective" else None,
        attributes={key: version[key] for key in ATTRIBUTES if version.get(key) is not None},
        params={name: value for name, value in version["params"].items() if name in read},
        rules=rules,
    )
    added = {
        (row["kind"], max(_start(row), start)): (row["number"], row["state"])
        for of_kind in rows.values()
        for row in of_kind
        if row["state"] in WAITING and not is_waiting
    }
    return Stated(said, version["number"], version["state"], version["backdated"], added)


def _until(version: Mapping[str, Any], versions: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Return where the restoration starts that shares a promotion's fate; None where something else follows."""
    if version["kind"] != "promotion" or version["bundle"] is None:
        return None
    after = versions[versions.index(version) + 1 :][:1]
    belongs = [each for each in after if each["kind"] == "restoration" and each["bundle"] == version["bundle"]]
    return _start(belongs[0]) if belongs else None


def _rows(version: Mapping[str, Any], kind: str, start: datetime, only_approved: bool) -> list[Mapping[str, Any]]:
    """Return the rule versions of a kind that count, in order: one that started before its contract version did, because
    that was back-dated without restating anything, counts from there."""
    alive = [
        rule
        for rule in version["rule_versions"]
        if rule["kind"] == kind
        and rule["status"] not in _GONE
        and rule["state"] not in _GONE
        and (rule["state"] == "approved" or not only_approved)
    ]
    alive.sort(key=lambda rule: (_start(rule), *_standing(rule)))
    chosen = {max(_start(rule), start): rule for rule in alive}
    return [chosen[each] for each in sorted(chosen)]


def _rules(rows: Sequence[Mapping[str, Any]], start: datetime, newest: Mapping[str, int]) -> list[WholeRules]:
    return [WholeRules(max(_start(row), start), row["body"], _lists(row, newest)) for row in rows]


def _lists(row: Mapping[str, Any], newest: Mapping[str, int]) -> dict[str, int]:
    named = sorted(lists_named(row["body"]))
    pins = row["lists"]
    return {name: pins[name]["version"] if name in pins else newest[name] for name in named if name in {*pins, *newest}}
