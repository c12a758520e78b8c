"""Items in a quote: their fields are free names, and what type each has is told by what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.core.errors import pointer_of
from app.core.json_text import JsonFloat
from app.core.money import parse_decimal
from app.rulelang.ast import Record, Scalar, Value
from app.rulelang.facts import MAX_LIST, Catalogue, Fact
from app.rulelang.reader import Reader


def read_items(reader: Reader, items: list[dict[str, Any]], at: str) -> tuple[Record, ...]:
    """Return items: numeric strings and whole numbers are decimals, other texts and booleans what they are, the rest is
    left out; floats are refused."""
    if len(items) > MAX_LIST:
        reader.findings.add("too_many_members", at, f"{len(items):,} items; at most {MAX_LIST:,} are priced")
        return ()
    return tuple(_item(reader, item, f"{at}/{index}") for index, item in enumerate(items))


def _item(reader: Reader, item: dict[str, Any], at: str) -> Record:
    read: dict[str, Scalar] = {}
    for name, value in item.items():
        if isinstance(value, JsonFloat | float):
            reader.decimal(value, at + pointer_of(name), what=name)
        elif isinstance(value, bool):
            read[name] = value
        elif isinstance(value, int | str):
            number = parse_decimal(str(value))
            if number is not None or isinstance(value, str):
                read[name] = str(value) if number is None else number
    return read


def items_catalogue(facts: Mapping[str, Value]) -> Catalogue:
    """Return the facts of a quote as a catalogue: lists of items with the fields that were found. A field that holds
    numbers in some items and texts in others is a text."""
    return Catalogue({name: _fact(name, value) for name, value in facts.items()})


def _fact(name: str, value: Value) -> Fact:
    if not isinstance(value, tuple):
        return Fact(name, "decimal", "as quoted")
    held: dict[str, list[object]] = {}
    for item in value:
        assert isinstance(item, Mapping)
        for field, one in item.items():
            held.setdefault(field, []).append(one)
    fields = tuple(
        Fact(field, _type_of(ones), "as quoted", required=len(ones) == len(value)) for field, ones in held.items()
    )
    return Fact(name, "records", "as quoted", fields=fields)


def _type_of(values: list[object]) -> str:
    for kind, name in ((bool, "boolean"), (Decimal, "decimal")):
        if all(isinstance(value, kind) for value in values):
            return name
    return "text"
