"""Reading the mapping of impression logs: which column becomes what. The same words as that of orders (`csv_import.py`): a
template such as "{campaign}-{position}", or a column. Pure; no log is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.bulk.impression_files import ImpressionParts, Made
from app.conversions.csv_import import MappingRefused
from app.core.errors import pointer_of
from app.deliveries.envelope import MAX_NAME, PREFIX, fact_name
from app.engine.deliveries.counted import IMPRESSIONS, INVALID, VIEWABLE
from app.rulelang.diagnostics import Findings, described, did_you_mean
from app.rulelang.facts import MEMBERS, Catalogue
from app.rulelang.reader import Reader

_PLACE = re.compile(r"\{([^{}]+)\}")
NEEDED = ("program", "source", "contract", "placement", "served_at")
SEEN = {"viewable": VIEWABLE, "invalid": INVALID}


@dataclass(frozen=True, slots=True)
class LogMapping:
    """What a mapping says: whose impressions these are, who counted them, and what their parts are made of."""

    program: str
    source: str
    parts: ImpressionParts

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are read, each with where the mapping first names it."""
        parts = {name: getattr(self.parts, name) for name in NEEDED[2:]} | dict(self.parts.facts)
        found: dict[str, str] = {}
        for where, made in parts.items():
            for is_column, text in made:
                if is_column:
                    found.setdefault(text, where)
        return found


def program_of(data: Any) -> str:
    """Return the program that a mapping names, before its facts are known."""
    name = data.get("program") if isinstance(data, Mapping) else None
    if not isinstance(name, str) or not name:
        raise MappingRefused(f"The mapping is refused. /program: expected the id of a program; found {described(name)}")
    return name


def read_log_mapping(data: Any, catalogue: Catalogue) -> LogMapping:
    """Return the mapping of a file's data, with the facts of a program. MappingRefused has every finding."""
    findings = Findings()
    reader = Reader(findings)
    mapping = reader.object(data, "", NEEDED, (*SEEN, "facts"), "a mapping") or {}
    made: dict[str, Made] = {}
    for name in (*NEEDED[2:], *SEEN):
        if name in mapping:
            made[name] = _made(reader, mapping[name], pointer_of(name))
    source = mapping.get("source", "-")
    if not isinstance(source, str) or not 0 < len(source) <= MAX_NAME or not source.isprintable():
        findings.add("wrong_type", "/source", f"expected text, who counted the impressions; found {described(source)}")
    facts = _facts(reader, mapping.get("facts", {}), catalogue)
    facts |= {fact: made[name] for name, fact in SEEN.items() if name in made}
    if findings.errors or not mapping:
        first = findings.errors[0]
        raise MappingRefused(f"The mapping is refused. {first.pointer or '/'}: {first.message}", findings.errors)
    parts = ImpressionParts(made["contract"], made["placement"], made["served_at"], facts)
    return LogMapping(mapping["program"], source, parts)


def _facts(reader: Reader, data: Any, catalogue: Catalogue) -> dict[str, Made]:
    counted = {IMPRESSIONS, *SEEN.values()}
    unread = (*MEMBERS, "records", "duration")
    known = [name for name in catalogue.names(sent_in="delivery") if name not in counted]
    names = {name: name for name in known if catalogue[name].type not in unread}
    short = {name.removeprefix(PREFIX): name for name in names}
    names |= {name: of for name, of in short.items() if fact_name(name, catalogue) == of}
    given = reader.object(data, "/facts", (), list(names), "facts") or {}
    return {of: _made(reader, given[name], "/facts" + pointer_of(name)) for name, of in names.items() if name in given}


def _made(reader: Reader, data: Any, at: str) -> Made:
    """Return what a part is made of: `{column: name}`, `{value: text}` or a template."""
    if isinstance(data, Mapping) and set(data) == {"value"}:
        return ((False, _text(reader, data["value"], at + "/value")),)
    if isinstance(data, Mapping):
        part = reader.object(data, at, ("column",), (), "a source") or {}
        return ((True, _text(reader, part["column"], at + "/column")),) if "column" in part else ()
    template = _text(reader, data, at)
    pieces = _PLACE.split(template)
    found = tuple((number % 2 == 1, piece) for number, piece in enumerate(pieces) if piece)
    if not any(is_column for is_column, _ in found) or any(
        re.search("[{}]", piece) for is_column, piece in found if not is_column
    ):
        message = f"expected a template with columns in braces; found {described(data)}"
        reader.findings.add("wrong_type", at, message, 'such as "{campaign}-{position}", or {column: name}')
    return found


def _text(reader: Reader, data: Any, at: str) -> str:
    if isinstance(data, str) and data:
        return data
    reader.findings.add("wrong_type", at, f"expected text; found {described(data)}")
    return "{}"


def check_columns(mapping: LogMapping, columns: Mapping[str, str], path: str) -> None:
    """Refuse a mapping that names a column a log does not have."""
    for name, where in mapping.columns.items():
        if name not in columns:
            hint = did_you_mean(name, list(columns))
            more = f" {hint[0].upper()}{hint[1:]}." if hint else ""
            raise MappingRefused(f"The mapping is refused. /{where}: {path} has no column {described(name)}.{more}")
