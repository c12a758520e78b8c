"""The tests beside a pack as stories: each case is a contract with the pack's rules, a few conversions, one expectation.

So a pack is tried by the same operations as everything else. Running the stories is `run_scenario.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.adapters.yaml_files import Document
from app.contracts.drafting import read_start
from app.core.errors import Finding
from app.core.instants import write_instant, zone
from app.rulelang.bindings import member_texts
from app.rulelang.diagnostics import Findings, described
from app.rulelang.packs import Filled, Pack, filled
from app.rulelang.reader import Reader
from app.scenarios.story import Step, Story, malformed

MAX_CASES, MAX_EARLIER = 200, 100
CASE, EXPECTED = "case", ("outcome", "amount", "rules", "reasons", "lines")
SINCE = "2000-01-01"


def pack_stories(pack: Pack, document: Document) -> list[Story]:
    """Return the cases of a pack's tests as stories. Raises ScenarioMalformed with everything that is wrong."""
    findings = Findings()
    reader = Reader(findings)
    data = reader.object(document.data, "", ("timezone", "currency", "cases"), ("params",), "the tests of a pack")
    if data is None:
        raise malformed(document, findings.all)
    timezone = zone(data["timezone"]) if isinstance(data["timezone"], str) else None
    if timezone is None:
        findings.add("wrong_type", "/timezone", f"expected an IANA time zone; found {described(data['timezone'])}")
        raise malformed(document, findings.all)
    cases = _Cases(pack, document, reader, data, timezone)
    stories = reader.items(data["cases"], "/cases", cases.story, most=MAX_CASES, code="too_many_members")
    if findings.errors:
        raise malformed(document, findings.errors)
    return stories


class _Cases:
    """Reads cases with what they share: the pack, the parameters, the money and the time zone."""

    def __init__(
        self, pack: Pack, document: Document, reader: Reader, data: Mapping[str, Any], timezone: ZoneInfo
    ) -> None:
        self.pack = pack
        self.document = document
        self.reader = reader
        self.params = data.get("params", {})
        self.timezone = timezone
        facts = {"facts": dict(pack.facts)} if pack.facts else {}
        self.program = {"id": "program", "currency": data["currency"], "timezone": timezone.key, **facts}

    def story(self, data: Any, at: str) -> Story | None:
        case = self.reader.object(data, at, ("case", "at", "given", "expect"), what="a case")
        given = case and self.reader.object(
            case["given"], at + "/given", ("facts",), ("params", "earlier"), "what is given"
        )
        expect = case and self.reader.object(case["expect"], at + "/expect", (), EXPECTED, "what is expected")
        if case is None or given is None or expect is None:
            return None
        if not expect:
            self.reader.findings.add("missing_key", at + "/expect", "a case expects something")
        event_at = self.instant(case["at"], at + "/at")
        terms = self.terms(given.get("params", {}), at + "/given/params")
        earlier = self.reader.items(
            given.get("earlier", []), at + "/given/earlier", self.earlier, most=MAX_EARLIER, code="too_many_members"
        )
        if event_at is None or terms is None:
            return None
        events = [*earlier, (event_at, given["facts"], at + "/given")]
        return Story(
            document=self.document,
            name=case["case"],
            clock=max(instant for instant, _, _ in events) + timedelta(days=1),
            program=self.program,
            lists={name: {"type": each.type, "members": member_texts(each)} for name, each in self.pack.lists.items()},
            contracts=[{"id": "contract", "partner": "partner", "versions": [terms]}],
            steps=[_conversion(number, len(events), *event) for number, event in enumerate(events, start=1)],
            expect={"decisions": {CASE: expect}, "statements": {}, "quotes": {}},
        )

    def earlier(self, data: Any, at: str) -> tuple[datetime, Any, str] | None:
        """Return a conversion that went before: when, its facts, and where it stands."""
        entry = self.reader.object(data, at, ("at", "facts"), what="an earlier conversion")
        instant = None if entry is None else self.instant(entry["at"], at + "/at")
        return None if entry is None or instant is None else (instant, entry["facts"], at)

    def instant(self, data: Any, at: str) -> datetime | None:
        instant = read_start(data, self.timezone, at)
        if isinstance(instant, Finding):
            self.reader.findings.note(instant)
            return None
        return instant

    def terms(self, params: Any, at: str) -> dict[str, Any] | None:
        """Return a contract version with the pack's rules, filled with the parameters of all cases and of this one."""
        if not isinstance(params, dict) or not isinstance(self.params, dict):
            self.reader.findings.add("wrong_type", at, f"expected an object of values; found {described(params)}")
            return None
        found = filled(self.pack, {**self.params, **params})
        if isinstance(found, Filled):
            return {"effective_from": SINCE, "rules": found.rules, "params": found.params}
        for finding in found:
            self.reader.findings.note(finding.at(at if finding.pointer[1:] in params else "/params"))
        return None


def _conversion(number: int, last: int, event_at: datetime, facts: Any, at: str) -> Step:
    """Return the arrival of one conversion; the last one is the case itself."""
    identifier = CASE if number == last else f"earlier-{number}"
    body = {"id": identifier, "event_at": write_instant(event_at), "partner": "partner", "facts": facts}
    return Step("convert", body, at)
