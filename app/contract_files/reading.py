"""Reading a contract's document: its shape, its words, and the line of every mistake. Whether it fits what is there is not
known here. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.adapters import yaml_files
from app.contract_files.document import FORMAT, FRAME, Document, ListSaid
from app.contract_files.errors import DocumentMalformed
from app.contracts.attributes import ATTRIBUTES, Attributes, read_attributes
from app.contracts.drafting import BACKDATED, MAX_DATED, read_start
from app.contracts.whole import WHOLE_KINDS, WholeRules, WholeVersion
from app.core.errors import Finding, pointer_of
from app.core.instants import start_of_day, zone
from app.engine.attribution.program_model import read_model
from app.rulelang.ast import KINDS, PLACES
from app.rulelang.bindings import LIST_TYPES, NamedList, lists_named, member_texts, read_list
from app.rulelang.diagnostics import MAX_FINDINGS, EnoughFound, Findings, described
from app.rulelang.reader import Reader
from app.rulelang.ruleset import with_kind

MAX_VERSIONS, MAX_LIST_VERSIONS, MAX_LISTS = 1000, 1000, 1000
OPTIONAL = tuple(place for place in PLACES if place not in KINDS)
WORDS = {"direction": ("payable", "receivable"), "rounding": ("half_away", "half_even")}
_NO_ZONE = ZoneInfo("UTC")


def read_document(source: yaml_files.Document) -> Document:
    """Return the document of a file. Raises DocumentMalformed with everything that is wrong, each with its line."""
    findings = Findings(MAX_FINDINGS)
    try:
        found = _Reading(findings).document(source.data)
    except EnoughFound:
        message = f"more than {MAX_FINDINGS} defects were found; what follows the last of them was not read"
        raise malformed(source, [*findings.errors, Finding("too_many_findings", message)]) from None
    if found is None or findings.errors:
        raise malformed(source, findings.errors)
    return found


def malformed(source: yaml_files.Document, findings: Sequence[Finding]) -> DocumentMalformed:
    """Return the refusal of a file: one line of text for each finding, with file, line and key."""
    return DocumentMalformed(source.located(findings), findings)


class _Reading:
    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.reader = Reader(findings)
        self.lists: dict[str, ListSaid] = {}
        self.zone = _NO_ZONE

    def document(self, data: Any) -> Document | None:
        keys = ("format", "program", "partner", "contract", "versions")
        given = self.reader.object(data, "", keys, ("lists",), "a contract's document")
        if given is None:
            return None
        if type(given["format"]) is not int or given["format"] != FORMAT:
            self.note("wrong_type", "/format", f"expected {FORMAT}; found {described(given['format'])}")
        program = self.program(given["program"])
        partner = self.partner(given["partner"])
        self.lists = self.named_lists(_or_empty(given.get("lists")))
        contract = self.contract(given["contract"], program or {})
        versions = self.reader.items(
            given["versions"], "/versions", self.version, most=MAX_VERSIONS, code="too_many_members"
        )
        if isinstance(given["versions"], list) and len(versions) == len(given["versions"]):
            self.check_order(versions)
        if program is None or partner is None or contract is None:
            return None
        return Document(program, partner, contract, self.lists, with_kinds(versions, self.zone), self.zone)

    def program(self, data: Any) -> dict[str, Any] | None:
        at = "/program"
        given = self.reader.object(
            data, at, ("id", "currency", "timezone"), ("name", "attribution", "facts"), "a program"
        )
        if given is None:
            return None
        self.reader.identifier(given["id"], at + "/id")
        for key in ("currency", "timezone", "name"):
            self.text(given, at, key)
        attribution = given.get("attribution", {"model": "last_touch"})
        for finding in read_model(attribution)[1]:
            self.reader.findings.note(finding.at(at + "/attribution"))
        facts = _or_empty(given.get("facts"))
        if not isinstance(facts, dict):
            self.note("wrong_type", at + "/facts", f"expected facts by name; found {described(facts)}")
        order = ("id", "name", "currency", "timezone")
        return {
            **{key: given[key] for key in order if given.get(key) is not None},
            "attribution": attribution,
            **({"facts": facts} if facts else {}),
        }

    def partner(self, data: Any) -> dict[str, Any] | None:
        given = self.reader.object(data, "/partner", ("id",), ("name",), "a partner")
        if given is None:
            return None
        self.reader.identifier(given["id"], "/partner/id")
        self.text(given, "/partner", "name")
        return {key: given[key] for key in ("id", "name") if given.get(key) is not None}

    def contract(self, data: Any, program: Mapping[str, Any]) -> dict[str, Any] | None:
        at = "/contract"
        given = self.reader.object(data, at, ("id",), FRAME, "a contract")
        if given is None:
            return None
        self.reader.identifier(given["id"], at + "/id")
        for key in ("currency", "timezone"):
            self.text(given, at, key)
        for key, words in WORDS.items():
            if key in given:
                self.reader.word(given[key], at + pointer_of(key), words)
        usual = {"direction": "payable", "rounding": "half_away"}
        frame = {key: given.get(key) or usual.get(key) or program.get(key) for key in FRAME}
        found = zone(frame["timezone"]) if isinstance(frame["timezone"], str) else None
        where = at + "/timezone" if "timezone" in given else "/program/timezone"
        if found is None and not any(finding.pointer == where for finding in self.findings.all):
            message = f"{described(frame['timezone'])} is no IANA time zone"
            self.note("unknown_timezone", where, message, "such as America/New_York")
        self.zone = found or _NO_ZONE
        return {"id": given["id"], **frame}

    def named_lists(self, data: Any) -> dict[str, ListSaid]:
        if not isinstance(data, dict) or len(data) > MAX_LISTS:
            message = f"expected up to {MAX_LISTS:,} lists by name; found {described(data)}"
            self.note("wrong_type", "/lists", message)
            return {}
        found = {name: self.named_list(name, given, "/lists" + pointer_of(name)) for name, given in data.items()}
        return {name: each for name, each in found.items() if each is not None}

    def named_list(self, name: str, data: Any, at: str) -> ListSaid | None:
        given = self.reader.object(data, at, ("type", "versions"), ("description",), "a list")
        if self.reader.identifier(name, at) is None or given is None:
            return None
        self.text(given, at, "description")
        kind = self.reader.word(given["type"], at + "/type", LIST_TYPES)
        if kind is None:
            return None
        versions = self.reader.items(
            given["versions"],
            at + "/versions",
            lambda members, where: self.members(name, kind, members, where),
            most=MAX_LIST_VERSIONS,
            code="too_many_members",
        )
        for index in range(1, len(versions)):
            if versions[index] and versions[index] == versions[index - 1]:
                message = "the same members as in the version before are no new version"
                self.note("starts_rise", at + "/versions" + pointer_of(index), message, "leave it out")
        if given["versions"] == []:
            self.note("missing_key", at + "/versions", "a list has at least one version")
        return ListSaid(kind, given.get("description"), versions)

    def members(self, name: str, kind: str, data: Any, at: str) -> list[str]:
        """Return the members in their one spelling and order."""
        found = read_list(name, kind, data)
        if isinstance(found, NamedList):
            return member_texts(found)
        for finding in found:
            place = finding.pointer.removeprefix("/members")
            self.note(finding.code, at + place, finding.message, finding.hint)
        return []

    def version(self, data: Any, at: str) -> WholeVersion | None:
        optional = ("kind", "until", "backdated", "reason", *ATTRIBUTES, "params", "rules")
        given = self.reader.object(data, at, ("effective_from",), optional, "a version")
        if given is None:
            return None
        for key, words in (("kind", WHOLE_KINDS), ("backdated", BACKDATED)):
            if key in given:
                self.reader.word(given[key], at + pointer_of(key), words)
        self.text(given, at, "reason")
        start = self.start(given["effective_from"], at + "/effective_from")
        until = self.start(given["until"], at + "/until") if "until" in given else None
        attributes, wrong = read_attributes({key: given.get(key) for key in ATTRIBUTES}, Attributes())
        for finding in wrong:
            self.findings.note(finding.at(at))
        params = _or_empty(given.get("params"))
        if not isinstance(params, dict):
            self.note("wrong_type", at + "/params", f"expected values by name; found {described(params)}")
            params = {}
        kind = given.get("kind") or ""
        self.check_kind(kind, given, at)
        rules = {} if kind == "termination" else self.rules(given.get("rules"), start, at)
        said = {key: value for key, value in attributes.as_data().items() if value is not None}
        if start is None:
            return None
        return WholeVersion(str(kind), start, until, given.get("reason"), given.get("backdated"), said, params, rules)

    def check_kind(self, kind: Any, given: Mapping[str, Any], at: str) -> None:
        """A termination says nothing but when; only a promotion lasts until something."""
        for key in ("rules", "params", *ATTRIBUTES):
            if kind == "termination" and key in given:
                self.note("terminated_rules", at + pointer_of(key), f"a termination has no {key}")
        if "until" in given and kind != "promotion":
            message = "only a promotion says until when: where the restoration after it starts"
            self.note("unknown_key", at + "/until", message, "other versions end where the next one starts")

    def rules(self, data: Any, start: datetime | None, at: str) -> dict[str, list[WholeRules]]:
        given = (
            self.reader.object(data, at + "/rules", KINDS, OPTIONAL, "the rules of a version")
            if data is not None
            else None
        )
        if data is None:
            self.note("missing_key", at, "a version needs its rules", "only a termination has none")
        found: dict[str, list[WholeRules]] = {}
        for kind in PLACES if given is not None else ():
            assert given is not None
            here = "/rules" + pointer_of(kind)
            if kind not in given:
                continue
            if not isinstance(given[kind], list):
                found[kind] = self.body(kind, given[kind], start, {}, at, here)
                continue
            if not 0 < len(given[kind]) <= MAX_DATED:
                message = f"1 to {MAX_DATED} dated rules of a kind; found {len(given[kind])}"
                self.note("too_many_members", at + here, message)
                continue
            found[kind] = [
                rules
                for index, entry in enumerate(given[kind])
                for rules in self.dated(kind, entry, at, here + pointer_of(index))
            ]
        return found

    def dated(self, kind: str, data: Any, at: str, here: str) -> list[WholeRules]:
        given = self.reader.object(data, at + here, ("effective_from", "body"), ("lists",), "dated rules")
        if given is None:
            return []
        start = self.start(given["effective_from"], at + here + "/effective_from")
        return self.body(kind, given["body"], start, _or_empty(given.get("lists")), at, here + "/body")

    def body(self, kind: str, data: Any, start: datetime | None, pins: Any, at: str, here: str) -> list[WholeRules]:
        body = with_kind(kind, data)
        if not isinstance(body, dict):
            self.note("wrong_type", at + here, f"expected {kind} rules; found {described(data)}")
            return []
        lists = self.pins(body, pins, at, here)
        return [] if start is None else [WholeRules(start, body, lists, here)]

    def pins(self, body: dict[str, Any], given: Any, at: str, here: str) -> dict[str, int]:
        """Return which version of each list the rules mean: the newest of the document, unless they say another."""
        named = lists_named(body)
        for name in sorted(named - self.lists.keys()):
            message = f"the rules name the list {name!r}, which is not under lists"
            self.note("unknown_list", at + here, message, "write it there with its versions")
        where = at + here.removesuffix("/body") + "/lists"
        if not isinstance(given, dict):
            self.note("wrong_type", where, f"expected numbers of versions by list; found {described(given)}")
            return {}
        for name, number in given.items():
            most = len(self.lists[name].versions) if name in self.lists else 0
            if name not in named:
                message = f"the rules do not name the list {name!r}"
                self.note("unknown_list", where + pointer_of(name), message, "leave it out")
            elif type(number) is not int or not 1 <= number <= most:
                message = f"expected the number of a version of {name}, 1 to {most}; found {described(number)}"
                self.note("out_of_range", where + pointer_of(name), message)
        known = named & self.lists.keys()
        return {name: given.get(name, len(self.lists[name].versions)) for name in sorted(known)}

    def check_order(self, versions: Sequence[WholeVersion]) -> None:
        """Starts rise, and a promotion that has an end has a restoration there."""
        for index, version in enumerate(versions):
            at = "/versions" + pointer_of(index)
            if index and version.start <= versions[index - 1].start:
                same = version.start == versions[index - 1].start
                message = "two versions have one start" if same else "versions stand in order of their starts"
                self.note("starts_rise", at + "/effective_from", message, "each lies after the one before it")
            if version.until is None:
                continue
            after = versions[index + 1] if index + 1 < len(versions) else None
            if after is None or after.kind != "restoration" or after.start != version.until:
                message = "after a promotion that says until when, the next version is the restoration that starts then"
                self.note("starts_rise", at + "/until", message)

    def start(self, data: Any, at: str) -> datetime | None:
        found = read_start(data, self.zone, at)
        if isinstance(found, Finding):
            self.findings.note(found)
            return None
        return found.astimezone(UTC)

    def note(self, code: str, at: str, message: str, hint: str | None = None) -> None:
        self.findings.note(Finding(code, message, at, hint))

    def text(self, given: Mapping[str, Any], at: str, key: str) -> None:
        value = given.get(key)
        if key in given and (not isinstance(value, str) or not value):
            self.note("wrong_type", at + pointer_of(key), f"expected text; found {described(value)}")


def _or_empty(data: Any) -> Any:
    """Return a part, or the empty one for a key that stands there with nothing behind it."""
    return {} if data is None else data


def with_kinds(versions: Sequence[WholeVersion], timezone: ZoneInfo) -> list[WholeVersion]:
    """Return the versions with the kinds that people left out: what they are by what stands before them."""
    found: list[WholeVersion] = []
    for version in versions:
        kind = version.kind or _kind_after(found[-1] if found else None, version.start, timezone)
        found.append(replace(version, kind=kind))
    return found


def _kind_after(before: WholeVersion | None, start: datetime, timezone: ZoneInfo) -> str:
    if before is None:
        return "initial"
    ends_on = before.attributes.get("ends_on")
    if ends_on is not None and start_of_day(date.fromisoformat(ends_on), timezone) == start:
        return "renewal"
    return "reinstatement" if before.kind == "termination" else "amendment"
