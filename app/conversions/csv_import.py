"""A CSV file as conversions: a mapping says which column becomes which part. Reading and storing files is not here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from app.core.errors import AppError, Finding
from app.core.instants import parse_date, parse_instant, write_instant, zone
from app.rulelang.diagnostics import Findings, described, did_you_mean
from app.rulelang.facts import Catalogue
from app.rulelang.reader import Reader

_PLACE = re.compile(r"\{(\w+)(?::0([1-9][0-9]?))?\}", re.ASCII)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


class MappingRefused(AppError):
    """A mapping that does not fit the CSV file or the fact catalogue."""

    code = "mapping_refused"
    kind = "invalid"


class RowRefused(AppError):
    """A row that the mapping cannot turn into a conversion."""

    code = "row_refused"
    kind = "invalid"


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """How a row becomes a conversion. Built by `read_mapping`."""

    program: str
    id: str
    event_at: Mapping[str, Any]
    partner: Mapping[str, Any] | None
    facts: Mapping[str, Any]
    integers: frozenset[str]
    timezone: ZoneInfo | None


def read_mapping(data: Any, columns: Iterable[str], catalogue: Catalogue) -> CsvMapping:
    """Return the mapping of a file's data for a CSV with these columns. Raises MappingRefused with every finding."""
    findings = Findings()
    reader = Reader(findings)
    columns = list(columns)
    mapping = reader.object(data, "", ("program", "id", "event_at", "facts"), ("partner",), "a mapping")
    timezone = None
    if mapping is not None:
        _check_template(reader, mapping["id"], "/id", columns)
        timezone = _check_event_at(reader, mapping["event_at"], columns)
        if mapping.get("partner") is not None:
            _check_partner(reader, mapping["partner"], columns)
        _check_facts(reader, mapping["facts"], columns, catalogue)
    if mapping is None or findings.errors:
        first = findings.errors[0]
        raise MappingRefused(f"The mapping is refused. {first.pointer or '/'}: {first.message}", findings.errors)
    integers = frozenset(fact.name for fact in catalogue if fact.type == "integer")
    return CsvMapping(
        mapping["program"],
        mapping["id"],
        mapping["event_at"],
        mapping.get("partner"),
        mapping["facts"],
        integers,
        timezone,
    )


def _check_template(reader: Reader, template: Any, at: str, columns: list[str]) -> None:
    if not isinstance(template, str) or not template:
        reader.findings.add("wrong_type", at, f'expected text such as "order-{{row:06}}"; found {described(template)}')
        return
    for name, _ in _PLACE.findall(template):
        if name != "row":
            _check_column(reader, name, at, columns)


def _check_column(reader: Reader, column: Any, at: str, columns: list[str]) -> None:
    if column not in columns:
        hint = did_you_mean(str(column), columns)
        reader.findings.add("unknown_key", at, f"the CSV has no column {described(column)}", hint)


def _check_event_at(reader: Reader, data: Any, columns: list[str]) -> ZoneInfo | None:
    part = reader.object(data, "/event_at", ("column",), ("at", "timezone"), "event_at")
    if part is None:
        return None
    _check_column(reader, part["column"], "/event_at/column", columns)
    if "at" not in part and "timezone" not in part:
        return None
    if not isinstance(part.get("at"), str) or not _TIME.fullmatch(part["at"]):
        message = 'a date column needs the local time of the event, such as at: "12:00"'
        reader.findings.add("wrong_type", "/event_at/at", message)
    timezone = zone(str(part.get("timezone")))
    if timezone is None:
        message = f"no IANA time zone: {described(part.get('timezone'))}"
        reader.findings.add("unknown_choice", "/event_at/timezone", message, "such as America/New_York")
    return timezone


def _check_partner(reader: Reader, data: Any, columns: list[str]) -> None:
    if isinstance(data, dict) and set(data) == {"value"}:
        return
    part = reader.object(data, "/partner", ("column",), ("modulo", "values"), "partner")
    if part is None:
        return
    _check_column(reader, part["column"], "/partner/column", columns)
    if "modulo" in part and not (
        isinstance(part["modulo"], int)
        and isinstance(part.get("values"), list)
        and len(part["values"]) == part["modulo"]
    ):
        reader.findings.add("wrong_type", "/partner", "modulo is a number n, and values a list of n partners")


def _check_facts(reader: Reader, data: Any, columns: list[str], catalogue: Catalogue) -> None:
    names = catalogue.names(sent_in=True)
    facts = reader.object(data, "/facts", (), names, "facts") or {}
    for name, source in facts.items():
        if name not in names:
            continue
        at = f"/facts/{name}"
        if isinstance(source, str):
            _check_template(reader, source, at, columns)
        elif (part := reader.object(source, at, ("column",), (), "a fact's source")) is not None:
            _check_column(reader, part["column"], at + "/column", columns)


def conversions_from(mapping: CsvMapping, rows: Iterable[Mapping[str, str]]) -> Iterator[dict[str, Any] | RowRefused]:
    """Yield each row as the body of a conversion, or as what is wrong with it. Rows are numbered from 1."""
    for number, row in enumerate(rows, start=1):
        try:
            yield _conversion(mapping, row, number)
        except RowRefused as refused:
            yield refused


def _conversion(mapping: CsvMapping, row: Mapping[str, str], number: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": _filled(mapping.id, row, number),
        "program": mapping.program,
        "event_at": _event_at(mapping, row, number),
    }
    partner = _partner(mapping.partner, row, number)
    if partner:
        body["partner"] = partner
    body["facts"] = {}
    for name, source in mapping.facts.items():
        text = _filled(source, row, number) if isinstance(source, str) else row[source["column"]]
        if text:
            body["facts"][name] = _whole(name, text, number) if name in mapping.integers else text
    return body


def _filled(template: str, row: Mapping[str, str], number: int) -> str:
    def value(match: re.Match[str]) -> str:
        text = str(number) if match[1] == "row" else row[match[1]]
        return text.zfill(int(match[2] or 0))

    return _PLACE.sub(value, template)


def _event_at(mapping: CsvMapping, row: Mapping[str, str], number: int) -> str:
    text = row[mapping.event_at["column"]]
    if mapping.timezone is None:
        instant = parse_instant(text)
        if instant is None:
            raise _refused(number, mapping.event_at["column"], text, "an instant with an offset")
        return write_instant(instant)
    day = parse_date(text)
    if day is None:
        raise _refused(number, mapping.event_at["column"], text, "a date YYYY-MM-DD")
    local = datetime.combine(day, time.fromisoformat(mapping.event_at["at"]), mapping.timezone)
    return local.isoformat()


def _partner(source: Mapping[str, Any] | None, row: Mapping[str, str], number: int) -> str | None:
    if source is None:
        return None
    if "value" in source:
        return str(source["value"])
    text = row[source["column"]]
    if "modulo" not in source:
        return text
    if not (text.isascii() and text.isdigit()):
        raise _refused(number, source["column"], text, "a whole number")
    return str(source["values"][int(text) % source["modulo"]])


def _whole(name: str, text: str, number: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII):
        raise _refused(number, name, text, "a whole number")
    return int(text)


def _refused(number: int, column: str, text: str, expected: str) -> RowRefused:
    finding = Finding("bad_value", f"{column} is {expected}; found {described(text)}", f"/{column}")
    return RowRefused(f"row {number}: {finding.message}", [finding])
