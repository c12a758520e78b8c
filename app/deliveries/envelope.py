"""Reading a delivery as it is sent: the body of `POST /v1/deliveries` and each line of its NDJSON form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.core.canonical import record_hash
from app.core.errors import Finding, pointer_of
from app.core.ids import derived_id
from app.core.instants import parse_date
from app.engine.deliveries.counted import IMPRESSIONS, INVALID, VIEWABLE
from app.engine.factsheet import typed_facts
from app.rulelang.ast import Value
from app.rulelang.diagnostics import described, did_you_mean
from app.rulelang.facts import Catalogue
from app.rulelang.printer import value_text

KEYS = ("contract", "delivered_on", "placement", "source", "revision", "facts")
MAX_NAME, MAX_REVISION = 128, 999_999_999
PREFIX = "delivery."


@dataclass(frozen=True, slots=True)
class IncomingDelivery:
    """A delivery that can be taken in. `body_hash` tells a repetition from a contradiction."""

    contract: str
    delivered_on: date
    placement: str
    source: str
    revision: int
    facts: Mapping[str, Any]
    body_hash: str

    @property
    def id(self) -> str:
        """What names it: contract, day, placement, source and revision."""
        named = (self.contract, self.delivered_on.isoformat(), self.placement, self.source, str(self.revision))
        return derived_id("dlv", *named)

    @property
    def counted(self) -> tuple[str, date, str, str]:
        """What it is a revision of."""
        return self.contract, self.delivered_on, self.placement, self.source


def read_delivery(body: Any, catalogue: Catalogue, today: date) -> IncomingDelivery | list[Finding]:
    """Return a delivery, or everything that is wrong with it. `today` is the contract's local day: what was not shown yet
    nobody has counted."""
    if not isinstance(body, dict):
        return [Finding("wrong_type", f"a delivery is an object; found {described(body)}")]
    findings = [
        Finding("unknown_key", f"unknown key {described(key)}", pointer_of(key), did_you_mean(str(key), KEYS))
        for key in [key for key in body if key not in KEYS][:20]
    ]
    contract = _name(body.get("contract"), "/contract", findings, "the id of its contract")
    placement = _name(body.get("placement"), "/placement", findings, "where the impressions were shown")
    source = _name(body.get("source"), "/source", findings, "who counted them")
    day = _day(body.get("delivered_on"), today, findings)
    revision = _revision(body.get("revision", 1), findings)
    raw, facts, wrong = _facts(body.get("facts"), catalogue)
    findings += wrong
    if not wrong:
        findings += _check_counts(facts)
    if findings or None in (contract, placement, source, day, revision):
        return findings
    assert contract is not None
    assert placement is not None
    assert source is not None
    assert day is not None
    assert revision is not None
    digest = record_hash({name: value_text(value) for name, value in facts.items()})
    return IncomingDelivery(contract, day, placement, source, revision, raw, digest)


def _name(value: Any, at: str, findings: list[Finding], what: str) -> str | None:
    if value is None:
        findings.append(Finding("missing_key", f"a delivery needs {at[1:]}: {what}", at))
    elif not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        message = f"{at[1:]} is {what}, a string of 1 to {MAX_NAME} printable characters; found {described(value)}"
        findings.append(Finding("wrong_type", message, at))
    else:
        return value
    return None


def _day(value: Any, today: date, findings: list[Finding]) -> date | None:
    at = "/delivered_on"
    day = parse_date(value) if isinstance(value, str) else None
    if value is None:
        findings.append(Finding("missing_key", "a delivery needs delivered_on: the local day", at))
    elif day is None or not 1 < day.year < 9000:
        message = f"delivered_on is a local day YYYY-MM-DD; found {described(value)}"
        findings.append(Finding("wrong_type", message, at, 'such as "2019-11-24"'))
    elif day > today:
        message = f"delivered_on {day} lies in the future; in the contract's zone it is {today}"
        findings.append(Finding("future_time", message, at))
    else:
        return day
    return None


def _revision(value: Any, findings: list[Finding]) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_REVISION:
        return value
    message = f"revision is a whole number from 1 on; found {described(value)}"
    findings.append(Finding("wrong_type", message, "/revision", "a higher one replaces what was counted before"))
    return None


def _facts(raw: Any, catalogue: Catalogue) -> tuple[dict[str, Any], dict[str, Value], list[Finding]]:
    """Return the facts by their names in the catalogue, raw and typed. In a delivery the shipped ones may be named without
    the word before the point."""
    if not isinstance(raw, Mapping):
        message = "a delivery needs facts: an object of facts by name"
        return {}, {}, [Finding("missing_key" if raw is None else "wrong_type", message, "/facts")]
    found: dict[str, Any] = {}
    facts: dict[str, Value] = {}
    findings: list[Finding] = []
    for name, value in raw.items():
        known, at = fact_name(str(name), catalogue), "/facts" + pointer_of(name)
        typed, wrong = typed_facts({known: value}, catalogue, "", "delivery")
        findings += [_moved(finding, known, at) for finding in wrong]
        if known in found:
            findings.append(Finding("unknown_fact", f"{name} is said twice", at, "once is enough"))
        elif value is not None:
            found[known] = value
            facts |= typed
    return found, facts, findings


def fact_name(name: str, catalogue: Catalogue) -> str:
    """Return the name of a fact in the catalogue."""
    fact = catalogue.get(name)
    if fact is not None and fact.subject == "delivery":
        return name
    return PREFIX + name if catalogue.get(PREFIX + name) is not None else name


def _moved(finding: Finding, known: str, at: str) -> Finding:
    rest = finding.pointer.removeprefix(pointer_of(known))
    return Finding(finding.code, finding.message, at + rest, finding.hint, finding.severity)


def _check_counts(facts: Mapping[str, Value]) -> list[Finding]:
    """Impressions are there, and nothing is counted among them more often than they are."""
    impressions = facts.get(IMPRESSIONS)
    if not isinstance(impressions, int):
        return [Finding("missing_key", "a delivery needs impressions: how many were counted", "/facts/impressions")]
    found = []
    for name in (IMPRESSIONS, VIEWABLE, INVALID):
        value, at = facts.get(name), "/facts/" + name.removeprefix(PREFIX)
        if isinstance(value, int) and not 0 <= value <= impressions:
            most = "0 or more" if name == IMPRESSIONS else f"0 to {impressions}, the impressions that it is part of"
            found.append(Finding("out_of_range", f"{name} is {most}; found {value}", at))
    return found
