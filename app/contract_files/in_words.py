"""Versions of a document in sentences, to show what differs between two of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.contract_files.document import Document, ListSaid, ordered, start_text
from app.contracts.whole import WholeRules, WholeVersion
from app.rulelang.ast import PLACES
from app.rulelang.bindings import Bindings, NamedList, read_list
from app.rulelang.facts import Catalogue
from app.rulelang.printer import body_lines
from app.rulelang.ruleset import check_rules


def version_lines(document: Document, version: WholeVersion, catalogue: Catalogue) -> list[str]:
    """Return what a version says, one sentence a line. Rules that cannot be read are shown as they stand."""
    until = f" until {start_text(version.until, document.timezone)}" if version.until else ""
    lines = [f"{version.kind}{until}"]
    lines += [f"reason: {version.reason}"] if version.reason else []
    lines += [f"backdated: {version.backdated}"] if version.backdated else []
    lines += [f"{key.replace('_', ' ')}: {_value_text(value)}" for key, value in version.attributes.items()]
    lines += [f"parameter {name}: {_value_text(value)}" for name, value in sorted(version.params.items())]
    for kind in PLACES:
        for rules in version.rules.get(kind, ()):
            since = "" if rules.start == version.start else f" from {start_text(rules.start, document.timezone)}"
            meant = ", ".join(f"version {number} of {name}" for name, number in rules.lists.items())
            lines += [f"{kind}{since}: with {meant}"] if meant else []
            lines += [f"{kind}{since}: {line}" for line in _rule_lines(document, version, rules, catalogue)]
    return lines


def _rule_lines(document: Document, version: WholeVersion, rules: WholeRules, catalogue: Catalogue) -> list[str]:
    lists = {name: _list(name, document.lists.get(name), number) for name, number in rules.lists.items()}
    known = {name: each for name, each in lists.items() if each is not None}
    read, _ = check_rules(rules.body, catalogue, "", Bindings(version.params, known))
    return [_value_text(ordered(rules.body))] if read is None else body_lines(read.body)


def _list(name: str, said: ListSaid | None, number: int) -> NamedList | None:
    if said is None or not 1 <= number <= len(said.versions):
        return None
    found = read_list(name, said.type, said.versions[number - 1])
    return found if isinstance(found, NamedList) else None


def _value_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value_text(part)}" for key, part in value.items())
    return ", ".join(map(_value_text, value)) if isinstance(value, list) else str(value)
