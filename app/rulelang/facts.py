"""The fact catalogue: which facts rules may read, their types, and how a raw JSON value becomes a typed one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar

from app.core.durations import parse_duration
from app.core.errors import Finding, pointer_of
from app.core.instants import parse_date, parse_instant
from app.core.json_text import JsonFloat
from app.core.money import parse_decimal
from app.rulelang.ast import Record, Scalar, Value
from app.rulelang.diagnostics import described, did_you_mean, string_hint

T = TypeVar("T")
SCALARS = ("text", "enum", "integer", "decimal", "boolean", "date", "instant", "duration")
MEMBERS = {"text_list": "text", "enum_list": "enum"}
TYPES = (*SCALARS, *MEMBERS, "records")
MAX_TEXT = 1024
MAX_LIST = 1000
MAX_MARKS = 30  # combining marks in a row, as in Unicode's stream-safe text
MAX_FIELDS = 30
MAX_SCALE = 6
# The online engine compares integers scaled by 10^6 and saturates silently beyond 2^63; this stays well inside.
LARGEST = 2**62
# Beyond 2^53 JSON numbers are not read alike everywhere (RFC 8785, I-JSON); such integers come as strings.
LARGEST_JSON = 2**53 - 1

Subject = Literal["conversion", "touch", "delivery"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact a rule may read. `derived` facts are computed before the rules and never sent in. The items of a list of
    records have `fields`, which are declared like facts and hold one value each."""

    name: str
    type: str
    meaning: str
    subject: Subject = "conversion"
    required: bool = False
    derived: bool = False
    unit: str | None = None
    values: tuple[str, ...] = ()
    fields: tuple[Fact, ...] = ()
    example: str = ""


CUSTOMER = "customer_id"
"""The fact that says whose conversion it is."""

_KEYS = frozenset(Fact.__slots__) - {"name"}


class Catalogue:
    """The facts by name."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = dict(facts)

    def __getitem__(self, name: str) -> Fact:
        return self._facts[name]

    def get(self, name: str) -> Fact | None:
        """Return a fact, or None when the catalogue has none of that name."""
        return self._facts.get(name)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts.values())

    def extended(self, facts: Mapping[str, Fact]) -> Catalogue:
        """Return a catalogue that has these facts besides, and in place of others of their names: rules and conversions
        rely on them."""
        return Catalogue({**self._facts, **facts}) if facts else self

    def names(self, *, sent_in: Subject | None = None) -> list[str]:
        """Return the names of all facts, or of those that a conversion, a touch or a delivery may carry."""
        return [fact.name for fact in self if sent_in is None or (fact.subject == sent_in and not fact.derived)]


def catalogue_from(data: Mapping[str, Mapping[str, Any]]) -> Catalogue:
    """Build a catalogue from the data of `rules/facts.yaml`. ValueError names the fact that is wrong."""
    return Catalogue({name: _fact_from(name, entry) for name, entry in data.items()})


def _fact_from(name: str, entry: Mapping[str, Any]) -> Fact:
    unknown, absent = entry.keys() - _KEYS, {"type", "meaning"} - entry.keys()
    if unknown or absent:
        raise ValueError(f"fact {name}: unknown keys {sorted(unknown)}, missing keys {sorted(absent)}")
    given: dict[str, Any] = {**entry, "values": tuple(entry.get("values", ()))}
    given["fields"] = tuple(_fact_from(field, said) for field, said in entry.get("fields", {}).items())
    fact = Fact(name=name, **given)
    if fact.type not in TYPES or (fact.type in ("enum", "enum_list")) != bool(fact.values):
        raise ValueError(f"fact {name}: type {fact.type!r} with values {fact.values}")
    if (fact.type == "records") != bool(fact.fields) or not all(field.type in SCALARS for field in fact.fields):
        raise ValueError(f"fact {name}: type {fact.type!r} with fields {[field.name for field in fact.fields]}")
    return fact


def typed_value(fact: Fact, raw: Any) -> Value | Finding:
    """Return a raw JSON value as a value of the fact's type, or what is wrong with it.

    Decimals come as strings ("12.50") or whole JSON numbers, integers as JSON numbers or strings of digits. Of a list
    the first member that is wrong is named. Its order and repetitions are kept, though no rule can tell them.
    """
    if fact.type in MEMBERS:
        return _each_typed(fact, raw, _typed_member)
    if fact.type == "records":
        return _each_typed(fact, raw, _typed_record)
    return typed_scalar(fact, raw)


def typed_scalar(fact: Fact, raw: Any) -> Scalar | Finding:
    """Return a raw JSON value as rules compare the fact with: of its type, or of the type of its members."""
    value: Scalar | None = _READERS[MEMBERS.get(fact.type, fact.type)](raw, fact)
    return _refused(member_of(fact) if fact.type in MEMBERS else fact, raw) if value is None else value


def item_catalogue(fact: Fact) -> Catalogue:
    """Return the fields of a list of records as the facts that a condition on one item reads."""
    return Catalogue({field.name: field for field in fact.fields})


def member_of(fact: Fact) -> Fact:
    """Return a member of a list fact as a fact, in the words of messages."""
    return replace(fact, name=f"a member of {fact.name}", type=MEMBERS[fact.type], example="")


def _each_typed(fact: Fact, raw: Any, read: Callable[[Fact, Any], T | Finding]) -> tuple[T, ...] | Finding:
    """Return what a list holds, each read by itself, or what is wrong with the first that cannot be."""
    if not isinstance(raw, list) or len(raw) > MAX_LIST:
        return _refused(fact, raw, f"a list of {len(raw):,}" if isinstance(raw, list) else described(raw))
    held: list[T] = []
    for index, each in enumerate(raw):
        value = read(fact, each)
        if isinstance(value, Finding):
            return value.at(pointer_of(index))
        held.append(value)
    return tuple(held)


def _typed_member(fact: Fact, raw: Any) -> str | Finding:
    member = typed_scalar(fact, raw)
    return member if isinstance(member, Finding) else str(member)


def _typed_record(fact: Fact, raw: Any) -> Record | Finding:
    """Return one item typed. A field that is null is absent; a required one has to be there."""
    if not isinstance(raw, Mapping):
        return Finding("value_not_of_type", f"an item of {fact.name} is an object; found {described(raw)}")
    fields = {field.name: field for field in fact.fields}
    record: dict[str, Scalar] = {}
    for name, value in raw.items():
        if name not in fields:
            hint = did_you_mean(str(name), fields)
            message = f"an item of {fact.name} has no field {described(name)}"
            return Finding("unknown_fact", message, pointer_of(name), hint)
        if value is not None:
            typed = typed_scalar(fields[name], value)
            if isinstance(typed, Finding):
                return typed.at(pointer_of(name))
            record[name] = typed
    lacking = next((name for name, field in fields.items() if field.required and name not in record), None)
    if lacking is not None:
        return Finding("missing_key", f"an item of {fact.name} needs {lacking}")
    return record


def _refused(fact: Fact, raw: Any, found: str = "") -> Finding:
    if isinstance(raw, JsonFloat | float) and fact.type in ("decimal", "integer"):
        return Finding(
            "float_refused",
            f"{fact.name} is {described(raw)}, a number with a point or exponent, which computers store inexactly",
            hint=string_hint(raw) if fact.type == "decimal" else "an integer has no point and no exponent",
        )
    if fact.type == "enum":
        near = did_you_mean(raw, fact.values) if isinstance(raw, str) else None
        guess = f"{near} " if near and near.startswith("did") else ""
        return Finding(
            "not_a_member", f"{fact.name} is {described(raw)}", hint=f"{guess}one of: {', '.join(fact.values)}"
        )
    return Finding(
        "value_not_of_type",
        f"{fact.name} is {fact.type} {_SHAPES[fact.type]}; found {found or described(raw)}",
        hint=f"for example {fact.example}" if fact.example else None,
    )


_SHAPES = {
    "text": f"(a string of at most {MAX_TEXT} characters, no control characters, at most {MAX_MARKS} marks on one letter)",
    "enum": "",
    "integer": "(a whole number below 2^62; as a string from 2^53 on)",
    "decimal": f'(a string such as "12.50", below {LARGEST // 10**MAX_SCALE:,}, at most {MAX_SCALE} digits after the point)',
    "boolean": "(true or false)",
    "date": "(YYYY-MM-DD)",
    "instant": "(RFC 3339 with an offset, such as 1997-07-02T10:00:00-04:00)",
    "duration": "(PnDTnHnMnS or PnW, such as PT90M or P30D, without years, months and sign)",
    "text_list": f"(a list of at most {MAX_LIST:,} strings)",
    "enum_list": f"(a list of at most {MAX_LIST:,} of its words)",
    "records": f"(a list of at most {MAX_LIST:,} objects)",
}
_LONGEST = timedelta(microseconds=LARGEST - 1)
# Decimals that need no look at their size and scale.
_USUAL_DECIMAL = re.compile(rf"-?[0-9]{{1,12}}(?:\.[0-9]{{1,{MAX_SCALE}}})?", re.ASCII)
_DIGITS = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def _text(raw: Any, fact: Fact) -> str | None:
    if not isinstance(raw, str) or len(raw) > MAX_TEXT or _CONTROL.search(raw):
        return None
    if raw.isascii():
        return raw
    # Marks are sorted when a text is composed, one by one: a thousand of them, the wrong way round, take a millisecond.
    if max(map(len, bytes(map(unicodedata.combining, raw)).split(b"\0"))) > MAX_MARKS:
        return None
    text = unicodedata.normalize("NFC", raw)
    return text if len(text) <= MAX_TEXT else None  # a few characters grow when composed


def _enum(raw: Any, fact: Fact) -> str | None:
    return raw if isinstance(raw, str) and raw in fact.values else None


def _integer(raw: Any, fact: Fact) -> int | None:
    if isinstance(raw, str) and _DIGITS.fullmatch(raw):
        raw = int(raw)
    elif not isinstance(raw, int) or isinstance(raw, bool) or abs(raw) > LARGEST_JSON:
        return None
    return raw if abs(raw) < LARGEST else None


def _decimal(raw: Any, fact: Fact) -> Decimal | None:
    if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) <= LARGEST_JSON:
        raw = str(raw)
    if not isinstance(raw, str):
        return None
    if _USUAL_DECIMAL.fullmatch(raw):
        return Decimal(raw)
    value = parse_decimal(raw)
    if value is None or abs(value) * 10**MAX_SCALE >= LARGEST:
        return None
    return None if value != round(value, MAX_SCALE) else value


def _boolean(raw: Any, fact: Fact) -> bool | None:
    return raw if isinstance(raw, bool) else None


def _duration(raw: Any, fact: Fact) -> timedelta | None:
    length = parse_duration(raw) if isinstance(raw, str) else None
    return None if length is None or length > _LONGEST else length


_READERS: dict[str, Any] = {
    "text": _text,
    "enum": _enum,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": lambda raw, fact: parse_date(raw) if isinstance(raw, str) else None,
    "duration": _duration,
    "instant": lambda raw, fact: parse_instant(raw) if isinstance(raw, str) else None,
}
