"""Facts that a program declares beside those that are shipped: read from JSON, with everything that is wrong noted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.core.errors import pointer_of
from app.rulelang.diagnostics import Findings, described
from app.rulelang.facts import MAX_FIELDS, SCALARS, TYPES, Catalogue, Fact, Subject, typed_value
from app.rulelang.reader import Reader

MAX_DECLARED, MAX_WORDS, MAX_MEANING = 200, 100, 200
# What a program may declare facts of.
DECLARABLE: tuple[Subject, ...] = ("conversion", "delivery")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_WORD = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,100}")


def read_declared(data: Any, known: Catalogue, findings: Findings, at: str = "") -> dict[str, Fact]:
    """Return the facts of `{name: {type, meaning, …}}`. A fact that is known stays what it is: facts are only added.

    The same declaration once more is no defect; it is left out of what is returned.
    """
    reader = Reader(findings)
    if not isinstance(data, dict) or not data:
        found = "an empty one" if data == {} else described(data)
        findings.add("wrong_type", at, f"facts is an object of declarations by name; found {found}")
        return {}
    if len(data) > MAX_DECLARED:
        message = f"{len(data)} facts; a program declares at most {MAX_DECLARED}"
        findings.add("too_many_members", at, message)
        return {}
    declared: dict[str, Fact] = {}
    for name, entry in data.items():
        fact = _fact(reader, name, entry, at + pointer_of(name), TYPES)
        if fact is None:
            continue
        existing = known.get(name)
        if existing is None:
            declared[name] = fact
        elif existing != fact:
            message = f"the fact {name} is {existing.type} already, and what is written with it relies on that"
            findings.add("fact_known", at + pointer_of(name), message, "choose another name")
    return declared


def _fact(reader: Reader, name: str, data: Any, at: str, types: tuple[str, ...]) -> Fact | None:
    before = len(reader.findings.errors)
    if not _NAME.fullmatch(name):
        message = f"a fact is named in small letters, digits and _, at most 64; found {described(name)}"
        reader.findings.add("bad_identifier", at, message)
    optional = ("unit", "required", "values", "fields", "example", *(("subject",) if types == TYPES else ()))
    entry = reader.object(data, at, ("type", "meaning"), optional, "the declaration of a fact")
    if entry is None:
        return None
    kind = reader.word(entry["type"], at + "/type", types)
    subject: Subject | None = reader.word(entry.get("subject", "conversion"), at + "/subject", DECLARABLE)
    fact = Fact(
        name=name,
        type=kind or "text",
        meaning=_line(reader, entry["meaning"], at + "/meaning"),
        subject=subject or "conversion",
        required=reader.flag(entry.get("required", False), at + "/required"),
        unit=_line(reader, entry["unit"], at + "/unit") if "unit" in entry else None,
        values=_values(reader, entry, kind, at),
        fields=_fields(reader, entry, kind, at),
        example=_line(reader, entry["example"], at + "/example", 1000) if "example" in entry else "",
    )
    return fact if len(reader.findings.errors) == before else None


def _line(reader: Reader, data: Any, at: str, most: int = MAX_MEANING) -> str:
    if isinstance(data, str) and 0 < len(data) <= most and data.isprintable():
        return data
    reader.findings.add("wrong_type", at, f"expected a line of 1 to {most} characters; found {described(data)}")
    return ""


def _values(reader: Reader, entry: Mapping[str, Any], kind: str | None, at: str) -> tuple[str, ...]:
    """Return the words of an enum; no other type has any."""
    given = entry.get("values", [])
    if (kind in ("enum", "enum_list")) != ("values" in entry):
        message = "an enum lists its values, and no other type does"
        reader.findings.add("bad_declaration", at + "/values" if "values" in entry else at, message)
        return ()
    well = isinstance(given, list) and len(given) <= MAX_WORDS and all(_is_word(word) for word in given)
    if kind in ("enum", "enum_list") and (not well or not given or len(set(given)) < len(given)):
        message = f"values are 1 to {MAX_WORDS} different words of at most 100 characters"
        reader.findings.add("bad_declaration", at + "/values", message)
        return ()
    return tuple(given)


def _is_word(word: Any) -> bool:
    text = Fact("word", "text", "")
    return isinstance(word, str) and _WORD.fullmatch(word) is not None and typed_value(text, word) == word


def _fields(reader: Reader, entry: Mapping[str, Any], kind: str | None, at: str) -> tuple[Fact, ...]:
    """Return the fields of records, which hold one value each; no other type has any."""
    given = entry.get("fields", {})
    if (kind == "records") != ("fields" in entry):
        message = "records declare their fields, and no other type does"
        reader.findings.add("bad_declaration", at + "/fields" if "fields" in entry else at, message)
        return ()
    if not isinstance(given, dict) or len(given) > MAX_FIELDS or (kind == "records" and not given):
        message = f"fields is an object of 1 to {MAX_FIELDS} declarations by name; found {described(given)}"
        reader.findings.add("bad_declaration", at + "/fields", message)
        return ()
    read = [_fact(reader, name, field, at + "/fields" + pointer_of(name), SCALARS) for name, field in given.items()]
    # In order of name: a database keeps the fields of an object in an order of its own.
    return tuple(sorted((field for field in read if field is not None), key=lambda field: field.name))
