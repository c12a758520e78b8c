"""Reading a scenario file: its shape, its words, the line of every mistake. Running it is `run_scenario.py`'s. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.adapters.yaml_files import Document
from app.core.errors import Finding, pointer_of
from app.core.instants import parse_instant
from app.rulelang.diagnostics import Findings, described, did_you_mean
from app.rulelang.reader import Reader
from app.scenarios.errors import ScenarioMalformed

VERBS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "convert": (("id", "event_at", "facts"), ("program", "received_at", "partner", "touches")),
    "convert_file": (("path",), ()),
    "amend": (("contract", "effective_from"), ("backdated", "rules", "termination", "base", "recorded_at")),
    "bill": (("contract", "period"), ()),
    "quote": (("id", "formula", "facts"), ("before", "currency")),
}
LATER = ("reverse",)
EXPECTED = {
    "decisions": (
        "outcome",
        "amount",
        "currency",
        "contract",
        "contract_version",
        "rules",
        "rule_versions",
        "reasons",
        "credit",
        "lines",
    ),
    "statements": ("total", "lines", "line_count", "currency"),
    "quotes": ("amount", "amount_precise", "error"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: its verb, what with, and where it stands."""

    verb: str
    given: Any
    pointer: str


@dataclass(frozen=True, slots=True)
class Story:
    """A scenario that can be run."""

    document: Document
    name: str
    clock: datetime
    program: dict[str, Any] | None
    contracts: list[dict[str, Any]]
    steps: list[Step]
    expect: dict[str, dict[str, Any]]

    def refuse(self, pointer: str, findings: list[Finding] | None, message: str) -> ScenarioMalformed:
        """Return the refusal of a part of this story, with the line of each finding in it."""
        return malformed(
            self.document, [finding.at(pointer) for finding in findings or []] or [Finding("", message, pointer)]
        )


def malformed(document: Document, findings: list[Finding]) -> ScenarioMalformed:
    """Return the refusal of a file: one line of text for each finding, with file, line and key."""
    texts = []
    for finding in findings:
        hint = f" ({finding.hint})" if finding.hint else ""
        line = document.line_of(finding.pointer)
        texts.append(f"{document.path}:{line}: {finding.pointer or '/'}: {finding.message}{hint}")
    return ScenarioMalformed("\n".join(texts), findings)


def read_story(document: Document) -> Story:
    """Return the story of a file. Raises ScenarioMalformed with everything that is wrong."""
    findings = Findings()
    reader = Reader(findings)
    data = reader.object(
        document.data, "", ("scenario", "clock"), ("program", "contracts", "steps", "expect"), "a scenario"
    )
    if data is None:
        raise malformed(document, findings.all)
    clock = _instant(reader, data["clock"], "/clock")
    if not isinstance(data["scenario"], str) or not data["scenario"].strip():
        findings.add("wrong_type", "/scenario", f"scenario is a sentence; found {described(data['scenario'])}")
    program = _program(reader, data.get("program"))
    contracts = reader.items(
        data.get("contracts") or [],
        "/contracts",
        lambda c, at: _contract(reader, c, at),
        most=1000,
        code="too_many_members",
    )
    steps = reader.items(
        data.get("steps") or [], "/steps", lambda s, at: _step(reader, s, at), most=100_000, code="too_many_members"
    )
    expect = _expect(reader, data.get("expect") or {})
    if findings.errors or clock is None:
        raise malformed(document, findings.errors)
    return Story(document, data["scenario"], clock, program, contracts, steps, expect)


def _instant(reader: Reader, data: Any, at: str) -> datetime | None:
    instant = parse_instant(data) if isinstance(data, str) else None
    if instant is None:
        message = f"expected an instant with an offset; found {described(data)}"
        reader.findings.add("wrong_type", at, message, 'such as "1997-08-05T09:00:00Z"')
    return instant


def _program(reader: Reader, data: Any) -> dict[str, Any] | None:
    if data is None:
        return None
    return reader.object(data, "/program", ("id", "currency", "timezone"), ("name", "attribution"), "a program")


def _contract(reader: Reader, data: Any, at: str) -> dict[str, Any] | None:
    contract = reader.object(
        data, at, ("id", "partner", "versions"), ("direction", "currency", "timezone", "rounding"), "a contract"
    )
    if contract is None:
        return None
    reader.items(
        contract["versions"],
        at + "/versions",
        lambda version, where: _version(reader, version, where),
        most=1000,
        code="too_many_members",
    )
    return contract


def _version(reader: Reader, data: Any, at: str) -> dict[str, Any] | None:
    version = reader.object(
        data, at, ("effective_from",), ("recorded_at", "termination", "rules", "base", "backdated"), "a version"
    )
    if version is not None and "recorded_at" in version:
        _instant(reader, version["recorded_at"], at + "/recorded_at")
    if version is not None and "termination" in version:
        reader.flag(version["termination"], at + "/termination")
    return version


def _step(reader: Reader, data: Any, at: str) -> Step | None:
    verbs = (*VERBS, "clock", *LATER)
    if not isinstance(data, dict) or len(data) != 1 or next(iter(data)) not in verbs:
        word = next(iter(data), "") if isinstance(data, dict) else ""
        found = f"the keys {', '.join(map(repr, data))}" if isinstance(data, dict) else described(data)
        message = f"a step has one verb of {', '.join(verbs)}; found {found}"
        where = at + pointer_of(word) if word else at
        reader.findings.add("unknown_key", where, message, did_you_mean(str(word), verbs))
        return None
    verb, given = next(iter(data.items()))
    where = at + pointer_of(verb)
    if verb in LATER:
        reader.findings.add("not_available", where, f"{verb} is not run by this release yet")
        return None
    if verb == "clock":
        _instant(reader, given, where)
    elif reader.object(given, where, *VERBS[verb], f"{verb}") is None:
        return None
    return Step(verb, given, where)


def _expect(reader: Reader, data: Any) -> dict[str, dict[str, Any]]:
    expect = reader.object(data, "/expect", (), tuple(EXPECTED), "expect")
    if expect is None:
        return {}
    for part, keys in EXPECTED.items():
        at = "/expect" + pointer_of(part)
        named = expect.get(part) or {}
        if not isinstance(named, dict):
            reader.findings.add("wrong_type", at, f"expected an object by id; found {described(named)}")
            continue
        for name, wanted in named.items():
            reader.object(wanted, at + pointer_of(name), (), keys, f"what is expected of {name}")
    return {part: expect.get(part) or {} for part in EXPECTED}
