"""A CSV file as conversions: a mapping says which column becomes which part. Reading and storing files is not here.

A template such as "order-{row:06}" is text with places: a column's name in braces, or `row`, the number of the row, and
the width it is filled up to with zeros. Where a column is empty, the fact that is made of it is absent.

A column of dates needs the local time of the event and its zone. Where the clock showed that time twice on a day, the
earlier is meant. Where it skipped it, as far after the gap as the time lies in it: 02:30 is 03:30 if the clock went
from 02:00 to 03:00. A row whose day does not exist there is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.core.errors import AppError, Finding, pointer_of
from app.core.instants import parse_date, parse_instant, write_instant, zone
from app.rulelang.diagnostics import Findings, described, did_you_mean
from app.rulelang.facts import LARGEST_JSON, Catalogue
from app.rulelang.reader import Reader

_PLACE = re.compile(r"\{([^{}:]+)(?::0([1-9][0-9]?))?\}", re.ASCII)
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
    types: Mapping[str, str]
    timezone: ZoneInfo | None


def read_mapping(data: Any, columns: Iterable[str], catalogue: Catalogue) -> CsvMapping:
    """Return the mapping of a file's data for a CSV with these columns. Raises MappingRefused with every finding."""
    findings = Findings()
    reader = Reader(findings)
    columns = list(columns)
    mapping = reader.object(data, "", ("program", "id", "event_at", "facts"), ("partner",), "a mapping")
    timezone = None
    if mapping is not None:
        _check_name(reader, mapping["program"], "/program", "the id of the program")
        _check_id(reader, mapping["id"], columns)
        timezone = _check_event_at(reader, mapping["event_at"], columns)
        if mapping.get("partner") is not None:
            _check_partner(reader, mapping["partner"], columns)
        _check_facts(reader, mapping["facts"], columns, catalogue)
    if mapping is None or findings.errors:
        first = findings.errors[0]
        raise MappingRefused(f"The mapping is refused. {first.pointer or '/'}: {first.message}", findings.errors)
    return CsvMapping(
        mapping["program"],
        mapping["id"],
        mapping["event_at"],
        mapping.get("partner"),
        mapping["facts"],
        {fact.name: fact.type for fact in catalogue},
        timezone,
    )


def _check_name(reader: Reader, name: Any, at: str, what: str) -> None:
    if not isinstance(name, str) or not name:
        reader.findings.add("wrong_type", at, f"expected text, {what}; found {described(name)}")


def _check_id(reader: Reader, template: Any, columns: list[str]) -> None:
    _check_template(reader, template, "/id", columns)
    if isinstance(template, str) and template and not _PLACE.search(template):
        message = f"every row would have the id {described(template)}"
        reader.findings.add("duplicate_id", "/id", message, 'such as "order-{row:06}", or a column in braces')


def _check_template(reader: Reader, template: Any, at: str, columns: list[str]) -> None:
    if not isinstance(template, str) or not template:
        reader.findings.add("wrong_type", at, f'expected text such as "order-{{row:06}}"; found {described(template)}')
        return
    for name, _ in _PLACE.findall(template):
        if name != "row":
            _check_column(reader, name, at, columns)
    if re.search("[{}]", _PLACE.sub("", template)):
        message = f"a brace that opens or closes no place: {described(template)}"
        reader.findings.add("wrong_type", at, message, "a place is {column}, {row} or, filled up with zeros, {row:06}")


def _check_column(reader: Reader, column: Any, at: str, columns: list[str]) -> None:
    if column not in columns:
        hint = did_you_mean(str(column), columns)
        reader.findings.add("unknown_key", at, f"the CSV has no column {described(column)}", hint)
    elif columns.count(column) > 1:
        message = f"the CSV has {columns.count(column)} columns {described(column)}"
        reader.findings.add("duplicate_id", at, message, "give each its own name in the first line")


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
        _check_name(reader, data["value"], "/partner/value", "the id of the partner of every row")
        return
    part = reader.object(data, "/partner", ("column",), ("modulo", "values"), "partner")
    if part is None:
        return
    _check_column(reader, part["column"], "/partner/column", columns)
    modulo, values = part.get("modulo"), part.get("values")
    if ("modulo" in part or "values" in part) and not (
        type(modulo) is int
        and isinstance(values, list)
        and 0 < modulo == len(values)
        and all(isinstance(value, str) and value for value in values)
    ):
        reader.findings.add("wrong_type", "/partner", "modulo is a number n, and values a list of n partners")


def _check_facts(reader: Reader, data: Any, columns: list[str], catalogue: Catalogue) -> None:
    names = catalogue.names(sent_in="conversion")
    facts = reader.object(data, "/facts", (), names, "facts") or {}
    for name, source in facts.items():
        if name not in names:
            continue
        at = "/facts" + pointer_of(name)
        if isinstance(source, str):
            _check_template(reader, source, at, columns)
        elif (part := reader.object(source, at, ("column",), (), "a fact's source")) is not None:
            _check_column(reader, part["column"], at + "/column", columns)


def conversions_from(
    mapping: CsvMapping, rows: Iterable[Mapping[str, str] | RowRefused]
) -> Iterator[dict[str, Any] | RowRefused]:
    """Yield each row as the body of a conversion, or as what is wrong with it. Rows are numbered from 1.

    A row that could not be read comes as its refusal, and is passed on in its place.
    """
    for number, row in enumerate(rows, start=1):
        if isinstance(row, RowRefused):
            yield row
            continue
        try:
            yield _conversion(mapping, row, number)
        except RowRefused as refused:
            yield refused


def _conversion(mapping: CsvMapping, row: Mapping[str, str], number: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": _id(mapping.id, row, number),
        "program": mapping.program,
        "event_at": _event_at(mapping, row, number),
    }
    partner = _partner(mapping.partner, row, number)
    if partner:
        body["partner"] = partner
    body["facts"] = {}
    for name, source in mapping.facts.items():
        column = name if isinstance(source, str) else source["column"]
        text = _filled(source, row, number) if isinstance(source, str) else row[column]
        if text:
            body["facts"][name] = _VALUES.get(mapping.types[name], _text)(column, text, number)
    return body


def _id(template: str, row: Mapping[str, str], number: int) -> str:
    if empty := _empty_places(template, row):
        raise _refused(number, empty[0], "", "not empty, since the id is made of it")
    return _filled(template, row, number)


def _empty_places(template: str, row: Mapping[str, str]) -> list[str]:
    return [name for name, _ in _PLACE.findall(template) if name != "row" and not row[name]]


def _filled(template: str, row: Mapping[str, str], number: int) -> str:
    """Return a template with its places filled, or nothing when a place has nothing to fill it."""
    if _empty_places(template, row):
        return ""

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
    local = _existing(datetime.combine(day, time.fromisoformat(mapping.event_at["at"]), mapping.timezone))
    if local is None or local.date() != day:
        raise _refused(
            number, mapping.event_at["column"], text, f"a day on which it was {mapping.event_at['at']} there"
        )
    # An offset with seconds, from before there were time zones, has no RFC 3339 form.
    has_seconds = bool((local.utcoffset() or timedelta()) % timedelta(minutes=1))
    return write_instant(local) if has_seconds else local.isoformat()


def _existing(local: datetime) -> datetime | None:
    """Return a local time as clocks showed it; fold=0 gives the earlier of two, and the time after a gap."""
    try:
        return local.astimezone(UTC).astimezone(local.tzinfo)
    except OverflowError:
        return None


def _partner(source: Mapping[str, Any] | None, row: Mapping[str, str], number: int) -> str | None:
    if source is None:
        return None
    if "value" in source:
        return str(source["value"])
    text = row[source["column"]]
    if "modulo" not in source:
        return text
    if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII):
        raise _refused(number, source["column"], text, "a whole number")
    return str(source["values"][int(text) % source["modulo"]])


def _whole(column: str, text: str, number: int) -> int | str:
    if not re.fullmatch(r"-?[0-9]{1,19}", text, re.ASCII):
        raise _refused(number, column, text, "a whole number")
    return int(text) if abs(int(text)) <= LARGEST_JSON else text


def _flag(column: str, text: str, number: int) -> bool:
    if text not in ("true", "false"):
        raise _refused(number, column, text, "true or false")
    return text == "true"


def _text(column: str, text: str, number: int) -> str:
    return text


_VALUES: Mapping[str, Callable[[str, str, int], Any]] = {"integer": _whole, "boolean": _flag}


def _refused(number: int, column: str, text: str, expected: str) -> RowRefused:
    finding = Finding("bad_value", f"{column} is {expected}; found {described(text)}", pointer_of(column))
    return RowRefused(f"row {number}: {finding.message}", [finding])
