"""What a contract version says besides its rules: its value, the end of its term, how it is renewed and how what it pays is
settled. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.core.errors import Finding, pointer_of
from app.core.instants import parse_date
from app.core.money import canonical, parse_decimal
from app.engine.settlement import Settlement, read_settlement, settlement_data
from app.rulelang.diagnostics import Findings, described
from app.rulelang.reader import Reader

MODES = ("none", "fixed", "evergreen")
MAX_MONTHS, MAX_NOTICE_DAYS = 120, 366
LAST_YEAR = 9000  # so that terms can be counted on from there
ATTRIBUTES = ("value", "ends_on", "renewal", "settlement")


@dataclass(frozen=True, slots=True)
class Attributes:
    """A version's value in the contract's currency, the local day its term ends on, its renewal, and its settlement terms."""

    value: Decimal | None = None
    ends_on: date | None = None
    renewal: dict[str, Any] | None = None
    settlement: dict[str, Any] | None = None

    @property
    def mode(self) -> str:
        """How it is renewed; a term of which nothing is said ends with it."""
        return "none" if self.renewal is None else str(self.renewal["mode"])

    @property
    def expires_on(self) -> date | None:
        """The local day from which there are no terms, unless it is renewed. An evergreen term goes on."""
        return None if self.mode == "evergreen" else self.ends_on

    def as_data(self) -> dict[str, Any]:
        """Return the attributes as JSON data."""
        return {
            "value": None if self.value is None else canonical(self.value),
            "ends_on": None if self.ends_on is None else self.ends_on.isoformat(),
            "renewal": self.renewal,
            "settlement": self.settlement,
        }

    def as_hashed(self) -> dict[str, Any]:
        """Return what the hash of a version covers: the attributes that came later only where something is said."""
        said = self.as_data()
        return said if self.settlement is not None else {key: said[key] for key in said if key != "settlement"}


def read_attributes(given: Mapping[str, Any], taken: Attributes) -> tuple[Attributes, list[Finding]]:
    """Return the attributes that are given, the others as they were, and everything wrong with the given ones."""
    findings = Findings()
    reader = Reader(findings)
    value, ends_on, renewal = taken.value, taken.ends_on, taken.renewal
    if given.get("value") is not None:
        value = _value(given["value"], findings)
    if given.get("ends_on") is not None:
        ends_on = _day(given["ends_on"], "/ends_on", findings)
    if given.get("renewal") is not None:
        renewal = _renewal(reader, given["renewal"])
    settlement = taken.settlement
    if given.get("settlement") is not None:
        settlement = _settlement(given["settlement"], findings)
    if renewal is not None and renewal["mode"] == "fixed" and ends_on is None and not findings.all:
        findings.add("missing_key", "/ends_on", "a fixed renewal needs the day on which the term ends: ends_on")
    return Attributes(value, ends_on, renewal, settlement), list(findings.all)


def _value(given: Any, findings: Findings) -> Decimal | None:
    found = given if isinstance(given, Decimal) else Reader(findings).decimal(given, "/value", what="the value")
    if found is not None and found < 0:
        findings.add("out_of_range", "/value", f"a contract's value is not negative; found {canonical(found)}")
    return found


def _day(given: Any, at: str, findings: Findings) -> date | None:
    found = parse_date(given) if isinstance(given, str) else None
    if found is None or not 1 < found.year < LAST_YEAR:
        message = f"expected a local day YYYY-MM-DD before the year {LAST_YEAR}; found {described(given)}"
        findings.add("wrong_type", at, message, "the first day that is not part of the term any more")
    return found


def _renewal(reader: Reader, given: Any) -> dict[str, Any] | None:
    """Return a renewal in its normal form: `{"mode": "none" | "evergreen" | "fixed", …}`."""
    at = "/renewal"
    data = reader.object(given, at, ("mode",), ("months", "notice_days", "uplift", "counted_from"), "a renewal")
    if data is None or reader.word(data["mode"], at + "/mode", MODES) is None:
        return None
    found: dict[str, Any] = {"mode": data["mode"]}
    if data["mode"] == "fixed" and "months" not in data:
        reader.findings.add("missing_key", at, "a fixed renewal says how many months the next term has: months")
    bounds = {"months": (1, MAX_MONTHS), "notice_days": (0, MAX_NOTICE_DAYS)}
    for key, (least, most) in bounds.items():
        if key in data:
            found[key] = _whole(reader.findings, data[key], at + pointer_of(key), least, most)
    if "uplift" in data:
        found["uplift"] = read_uplift(data["uplift"], at + "/uplift", reader.findings)
    if "counted_from" in data:
        day = _day(data["counted_from"], at + "/counted_from", reader.findings)
        found["counted_from"] = None if day is None else day.isoformat()
    if data["mode"] != "fixed":
        for key in ("months", "uplift", "counted_from"):
            if key in data:
                message = f"{key} belongs to a fixed renewal; this one is {data['mode']}"
                reader.findings.add("unknown_key", at + pointer_of(key), message, "leave it out")
    return found


def _settlement(given: Any, findings: Findings) -> dict[str, Any] | None:
    """Return settlement terms in their one form; what agrees on nothing is none."""
    found = read_settlement(given)
    if isinstance(found, Settlement):
        return settlement_data(found)
    for finding in found:
        findings.note(finding)
    return None


def _whole(findings: Findings, given: Any, at: str, least: int, most: int) -> int | None:
    if isinstance(given, int) and not isinstance(given, bool) and least <= given <= most:
        return given
    findings.add("out_of_range", at, f"expected a whole number from {least} to {most}; found {described(given)}")
    return None


def read_uplift(given: Any, at: str, findings: Findings) -> str | None:
    """Return a percentage by which prices rise, in its one form, or None with a finding."""
    rate = given if isinstance(given, Decimal) else parse_decimal(given) if isinstance(given, str) else None
    if rate is None or not -100 < rate <= 1000:
        found = canonical(rate) if rate is not None else described(given)
        message = f'an uplift is a percentage as a string, above -100 and at most 1000, such as "3"; found {found}'
        findings.add("out_of_range", at, message)
        return None
    return canonical(rate)
