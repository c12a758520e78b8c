"""Reading what a draft says: its start in the contract's zone, and its rule versions with their starts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.errors import Finding, pointer_of
from app.core.instants import parse_date, parse_instant, start_of_day, write_instant
from app.rulelang.ast import KINDS, PLACES, Kind
from app.rulelang.bindings import Bindings, params_named
from app.rulelang.diagnostics import MAX_FINDINGS, described, did_you_mean
from app.rulelang.facts import Catalogue
from app.rulelang.ruleset import check_rules, kind_in, with_kind

# restate: from the start on. prospective: from the start on, but nothing that happened before the approval.
BACKDATED = ("restate", "prospective")
MAX_DATED = 100  # rule versions of one kind in one draft


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule version that is about to be written."""

    kind: Kind
    effective_from: datetime
    body: dict[str, Any]
    hash: str
    is_inherited: bool = False
    # What rules that were taken over are pinned to; others are pinned when they are approved.
    pins: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """What drafted rules are read with: the contract's zone, its facts, and the values of parameters and lists."""

    timezone: ZoneInfo
    catalogue: Catalogue
    bindings: Bindings


def read_start(text: Any, timezone: ZoneInfo, at: str) -> datetime | Finding:
    """Return a start given as a local date (its first instant) or as an instant with an offset."""
    day = parse_date(text) if isinstance(text, str) else None
    if day is not None:
        return start_of_day(day, timezone)
    instant = parse_instant(text) if isinstance(text, str) else None
    if instant is not None:
        return instant
    return Finding(
        "bad_start",
        f"a start is a date (YYYY-MM-DD, the contract's local day) or an instant with an offset; found {described(text)}",
        at,
        'such as "1997-07-01" or "1997-07-01T00:00:00-04:00"',
    )


def check_backdated(backdated: str | None) -> list[Finding]:
    """Return what is wrong with how a draft says a start in the past is meant."""
    if backdated in (None, *BACKDATED):
        return []
    hint = did_you_mean(str(backdated), BACKDATED)
    message = f"backdated is restate or prospective; found {described(backdated)}"
    return [Finding("unknown_choice", message, "/backdated", hint)]


def read_rules(
    rules: Mapping[str, Any], start: datetime, end: datetime | None, setting: Setting, at: str
) -> tuple[list[RuleDraft], list[Finding]]:
    """Return the rule versions of `{kind: body | [{effective_from, body}, …]}` and everything wrong with them.

    The first of each kind starts with its contract version, the others inside it.
    """
    drafts: list[RuleDraft] = []
    findings: list[Finding] = []
    for kind, given in rules.items():
        if len(findings) > MAX_FINDINGS:
            break
        where = at + pointer_of(kind)
        if kind not in PLACES:
            hint = did_you_mean(kind, PLACES)
            findings.append(Finding("unknown_key", f"unknown kind of rules {kind!r}", where, hint))
            continue
        if isinstance(given, list) and len(given) > MAX_DATED:
            message = f"{len(given)} rule versions of one kind; a draft takes {MAX_DATED} at most"
            findings.append(Finding("too_many_members", message, where, "draft the later ones by themselves"))
            continue
        if isinstance(given, list):
            of_kind = [
                _read_dated(entry, kind, setting, where + pointer_of(index), findings)
                for index, entry in enumerate(given)
                if len(findings) <= MAX_FINDINGS
            ]
        else:
            of_kind = [read_body(kind, given, start, setting, where, findings)]
        found = [draft for draft in of_kind if draft is not None]
        if len(found) == len(of_kind):
            findings += check_starts(found, start, end, where)
        drafts += found
    return drafts, findings


def _read_dated(entry: Any, kind: str, setting: Setting, at: str, findings: list[Finding]) -> RuleDraft | None:
    if not isinstance(entry, dict) or not {"effective_from", "body"} >= set(entry) or "body" not in entry:
        message = f"a dated rule version is an object with effective_from and body; found {described(entry)}"
        findings.append(Finding("wrong_type", message, at))
        return None
    if "effective_from" not in entry:
        findings.append(Finding("missing_key", "a dated rule version needs effective_from", at))
        return None
    start = read_start(entry["effective_from"], setting.timezone, at + "/effective_from")
    if isinstance(start, Finding):
        findings.append(start)
    since = None if isinstance(start, Finding) else start
    return read_body(kind, entry["body"], since, setting, at + "/body", findings)


def read_body(
    kind: str, body: Any, start: datetime | None, setting: Setting, at: str, findings: list[Finding]
) -> RuleDraft | None:
    """Return one checked rule body as a draft, or None with findings."""
    body = with_kind(kind, body)
    if isinstance(body, dict) and body.get("kind") in KINDS and body["kind"] != kind_in(kind):
        findings.append(
            Finding("wrong_kind", f"the body is {body['kind']} rules; here stand {kind} rules", at + "/kind")
        )
        return None
    if isinstance(body, dict) and kind == "delivery_payout" and body.get("on") == "conversion":
        message = "here stands the payout on deliveries; that on conversions stands under payout"
        findings.append(Finding("wrong_kind", message, at + "/on", 'write "on": "delivery"'))
        return None
    rule_set, found = check_rules(body, setting.catalogue, at, setting.bindings)
    findings += [finding for finding in found if finding.severity == "error"]
    if rule_set is None or start is None:
        return None
    place: Kind = "delivery_payout" if kind == "delivery_payout" else rule_set.kind
    return RuleDraft(place, start, body, rule_set.hash)


def check_starts(drafts: list[RuleDraft], start: datetime, end: datetime | None, at: str) -> list[Finding]:
    """The first rule version starts with its contract version, the others rise, and none lies outside of it."""
    findings = []
    if not drafts or drafts[0].effective_from != start:
        findings.append(
            Finding(
                "first_start",
                f"the first rule version starts with its contract version, at {write_instant(start)}",
                at,
                "there would be a time without rules",
            )
        )
    for index, draft in enumerate(drafts[1:], start=1):
        where = at + pointer_of(index, "effective_from")
        if draft.effective_from <= drafts[index - 1].effective_from:
            findings.append(Finding("starts_rise", "starts rise: each lies after the one before it", where))
        outside = outside_span(draft.effective_from, start, end, where)
        if outside is not None:
            findings.append(outside)
    return findings


def outside_span(instant: datetime, start: datetime, end: datetime | None, at: str) -> Finding | None:
    """Return what is wrong with a rule version's start that does not lie inside its contract version."""
    if start <= instant and (end is None or instant < end):
        return None
    span = f"{write_instant(start)} up to {write_instant(end) if end else 'open end'}"
    return Finding(
        "outside_contract_version",
        f"the start {write_instant(instant)} lies outside the contract version, which is in force from {span}",
        at,
        "choose a start inside it, or add the rules to another contract version",
    )


def check_params(params: Mapping[str, Any], bodies: Iterable[Any]) -> list[Finding]:
    """Return what is wrong with the parameters of a draft: each has a name and a value, and some rule reads it."""
    read = frozenset().union(*map(params_named, bodies))
    findings = []
    for name, value in params.items():
        at = "/params" + pointer_of(name)
        if not _PARAM.fullmatch(name):
            message = f"a parameter is named in letters, digits and _, at most 64; found {described(name)}"
            findings.append(Finding("bad_identifier", message, at))
        elif name not in read:
            message = f"no rule reads the parameter {name!r}"
            findings.append(Finding("unused_param", message, at, did_you_mean(name, read) or "leave it out"))
        if not _is_value(value):
            message = f"a parameter is one value or a list of values; found {described(value)}"
            findings.append(Finding("wrong_type", message, at))
    return findings


_PARAM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)


def _is_value(value: Any) -> bool:
    """Tell whether a value can be one of a parameter. A float cannot: it could not even be kept."""
    if isinstance(value, list):
        return all(isinstance(member, str | int) for member in value)
    return isinstance(value, str | int)
