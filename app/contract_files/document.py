"""A contract's document: what was agreed, and its one written form. Who wrote and approved what is no part of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.adapters.yaml_text import yaml_text
from app.contracts.whole import WholeRules, WholeVersion
from app.core.instants import parse_instant, start_of_day, write_instant
from app.rulelang.ast import KINDS

FORMAT = 1
FRAME = ("direction", "currency", "timezone", "rounding")
HEAD = """\
# The contract {contract}: {program} with {partner}. Written by `termline export`, read by `termline apply`.
# What was rejected, withdrawn or retired is left out, and so is who wrote and approved what.
"""
# Mappings with one of these are spread over lines, however short.
_BLOCK = frozenset({"effective_from", "rules", "versions"})
_ORDER = """
kind on hit claims qualify id name type unit subject required mode months notice_days uplift counted_from hold_days
lock submit_within_days fx after_lock date rates by when then measure per window rate steps crossing flat_at_zero
up_to fact op value any_item every_item no_item where if_missing flat percent per_unit cpm size amount free round
package tiers sum least greatest clamp min max of over accept reject hold rules otherwise bonuses limits counters
"""
_RANK = {key: rank for rank, key in enumerate(_ORDER.split())}


@dataclass(frozen=True, slots=True)
class ListSaid:
    """A named list with its versions up to the newest that is known, each with its members in order."""

    type: str
    description: str | None
    versions: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Document:
    """A contract with everything its terms need and all its versions, in order of their starts.

    `program`, `partner` and `contract` hold what the operations that create them are given.
    """

    program: Mapping[str, Any]
    partner: Mapping[str, Any]
    contract: Mapping[str, Any]
    lists: Mapping[str, ListSaid]
    versions: Sequence[WholeVersion]
    timezone: ZoneInfo

    @property
    def id(self) -> str:
        """The contract's id."""
        return str(self.contract["id"])


def document_text(document: Document, as_of: datetime | None = None) -> str:
    """Return the document as YAML; the same document is the same text."""
    names = {"contract": document.id, "program": document.program["id"], "partner": document.partner["id"]}
    known = f"# As it was known at {write_instant(as_of)}.\n" if as_of else ""
    return HEAD.format(**names) + known + yaml_text(document_data(document), _BLOCK)


def document_data(document: Document) -> dict[str, Any]:
    """Return the document as JSON data, its keys in the order they are read in."""
    return {
        "format": FORMAT,
        "program": {**document.program, **_said("facts", _named(document.program.get("facts") or {}))},
        "partner": dict(document.partner),
        **_said("lists", {name: _list_data(each) for name, each in sorted(document.lists.items())}),
        "contract": dict(document.contract),
        "versions": [version_data(version, document) for version in document.versions],
    }


def version_data(version: WholeVersion, document: Document) -> dict[str, Any]:
    """Return one version as it stands in a document."""
    zone = document.timezone
    return {
        "effective_from": start_text(version.start, zone),
        "kind": version.kind,
        **_said("until", version.until and start_text(version.until, zone)),
        **_said("backdated", version.backdated),
        **_said("reason", version.reason),
        **{key: ordered(value) for key, value in version.attributes.items() if value is not None},
        **_said("params", _named(version.params)),
        **_said("rules", {kind: _rules_data(version.rules[kind], document) for kind in KINDS if kind in version.rules}),
    }


def comparable(version: WholeVersion) -> str:
    """Return the same text for versions that say the same, whatever document they stand in.

    The lists are named with the versions they stand for, which a document leaves unsaid where they are its newest.
    """
    rules = {kind: [rules_text(each) for each in of_kind] for kind, of_kind in version.rules.items()}
    until = version.until and write_instant(version.until)
    about = [version.kind, write_instant(version.start), until, version.backdated, version.reason]
    return json.dumps([about, dict(version.attributes), dict(version.params), rules], sort_keys=True, default=str)


def rules_text(rules: WholeRules) -> str:
    """Return the same for one rule body with its start and lists."""
    return json.dumps([write_instant(rules.start), dict(rules.lists), rules.body], sort_keys=True, default=str)


def start_text(instant: datetime, zone: ZoneInfo) -> str:
    """Return a start as people write it: the local day where it is the first instant of one, else with its offset.

    >>> start_text(datetime.fromisoformat("1997-07-01T04:00:00Z"), ZoneInfo("America/New_York"))
    '1997-07-01'
    >>> start_text(datetime.fromisoformat("1997-07-01T05:00:00Z"), ZoneInfo("America/New_York"))
    '1997-07-01T01:00:00-04:00'
    """
    local = instant.astimezone(zone)
    day = date(local.year, local.month, local.day)
    if start_of_day(day, zone) == instant:
        return day.isoformat()
    text = local.isoformat()
    # Before zones had whole minutes, offsets had seconds, which RFC 3339 has not.
    return text if parse_instant(text) == instant else write_instant(instant)


def ordered(data: Any) -> Any:
    """Return data with the keys of every mapping in the order in which they are read best."""
    if isinstance(data, Mapping):
        keys = sorted(data, key=lambda key: (_RANK.get(key, len(_RANK)), key))
        return {key: ordered(data[key]) for key in keys}
    return [ordered(part) for part in data] if isinstance(data, list | tuple) else data


def _rules_data(of_kind: Sequence[WholeRules], document: Document) -> Any:
    """Return one body, or a dated list: several of them, or one that means older versions of its lists."""
    pins = [_older(rules.lists, document) for rules in of_kind]
    bodies = [ordered({key: value for key, value in rules.body.items() if key != "kind"}) for rules in of_kind]
    if len(of_kind) == 1 and not pins[0]:
        return bodies[0]
    return [
        {"effective_from": start_text(rules.start, document.timezone), **_said("lists", older), "body": body}
        for rules, older, body in zip(of_kind, pins, bodies, strict=True)
    ]


def _older(lists: Mapping[str, int], document: Document) -> dict[str, int]:
    return {
        name: number
        for name, number in sorted(lists.items())
        if name not in document.lists or number != len(document.lists[name].versions)
    }


def _list_data(each: ListSaid) -> dict[str, Any]:
    versions = [list(members) for members in each.versions]
    return {"type": each.type, **_said("description", each.description or None), "versions": versions}


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by name, in order of their names."""
    return {name: ordered(values[name]) for name in sorted(values)}


def _said(key: str, value: Any) -> dict[str, Any]:
    """Return a part that is said; what is not there is not written."""
    return {} if value is None or value == {} else {key: value}
