"""JSON to formulas: shape, decimals and limits. What a formula pays is `app/engine/payout`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.core.errors import pointer_of
from app.core.money import ZERO
from app.core.period import WINDOWS
from app.rulelang.ast import (
    Always,
    Amount,
    Clamp,
    Cpm,
    Flat,
    Formula,
    Greatest,
    Least,
    Metric,
    Package,
    Percent,
    PerItem,
    PerUnit,
    Step,
    Sum,
    Tiers,
)
from app.rulelang.conditions import read_condition
from app.rulelang.diagnostics import described, did_you_mean
from app.rulelang.reader import Reader

MAX_DEPTH, MAX_PARTS, MAX_STEPS = 6, 50, 200
_SMALLEST = Decimal("0.000000001")
MODES, RATES, ROUNDINGS = ("graduated", "volume"), ("per_unit", "percent"), ("up", "down")
CROSSINGS = ("split", "whole_at_new", "whole_at_old")
MAX_FACT_NAME = 64
WORDS = (
    "flat",
    "percent",
    "per_unit",
    "cpm",
    "amount",
    "package",
    "tiers",
    "per_item",
    "sum",
    "least",
    "greatest",
    "clamp",
)


def read_formula(reader: Reader, data: Any, at: str, depth: int = 1) -> Formula | None:
    """Return the formula at a pointer, or None with findings."""
    if depth > MAX_DEPTH:
        reader.findings.add("too_deep", at, f"nested beyond {MAX_DEPTH} levels")
        return None
    if depth == 1:
        reader.per_items = 0
    if not isinstance(data, dict):
        example = 'for example {"percent": "5", "of": "order_value"}'
        reader.findings.add("wrong_type", at, f"expected a formula, found {described(data)}", example)
        return None
    words = [key for key in data if key in _READERS]
    if len(words) != 1:
        found = " and ".join(words) or ", ".join(described(key) for key in list(data)[:5]) or "an empty object"
        hint = 'to add them up: {"sum": […]}' if words else did_you_mean(next(iter(map(str, data)), ""), WORDS)
        reader.findings.add("unknown_formula", at, f"a formula has one of {', '.join(WORDS)}; found {found}", hint)
        return None
    formula: Formula | None = _READERS[words[0]](reader, data, at, depth)
    return formula


def _flat(reader: Reader, data: dict[str, Any], at: str, depth: int) -> Formula | None:
    reader.object(data, at, ("flat",), what="flat")
    amount = reader.decimal(data["flat"], at + "/flat", what="an amount of money")
    return None if amount is None else Flat(amount)


def _rated(word: str, what: str, make: Any) -> Any:
    """Return the reader of `{word: decimal, "of": fact}`."""

    def read(reader: Reader, data: dict[str, Any], at: str, depth: int) -> Formula | None:
        shape = reader.object(data, at, (word, "of"), what=word)
        rate = reader.decimal(data[word], at + pointer_of(word), what=what)
        of = _fact(reader, data.get("of"), at + "/of") if shape else None
        reader.must_explain(rate)
        return None if of is None else make(rate or ZERO, of)

    return read


def _amount(reader: Reader, data: dict[str, Any], at: str, depth: int) -> Formula | None:
    reader.object(data, at, ("amount",), what="amount")
    fact = _fact(reader, data["amount"], at + "/amount")
    return None if fact is None else Amount(fact)


def _package(reader: Reader, data: dict[str, Any], at: str, depth: int) -> Formula | None:
    shape = reader.object(data, at, ("package", "of"), what="package")
    inner = reader.object(data["package"], at + "/package", ("size", "amount"), ("free", "round"), "a package")
    if shape is None or inner is None:
        return None
    where = at + "/package"
    size = reader.decimal(inner["size"], where + "/size", what="the size of a package", least=_SMALLEST)
    amount = reader.decimal(inner["amount"], where + "/amount", what="an amount of money")
    free = reader.decimal(inner.get("free", "0"), where + "/free", what="the free quantity", least=ZERO)
    way = reader.word(inner.get("round", "up"), where + "/round", ROUNDINGS)
    of = _fact(reader, data["of"], at + "/of")
    if size is None or amount is None or free is None or way is None or of is None:
        return None
    return Package(size, amount, free, way, of)


def _group(word: str, make: Any) -> Any:
    """Return the reader of `{word: [Formula…]}`."""

    def read(reader: Reader, data: dict[str, Any], at: str, depth: int) -> Formula | None:
        reader.object(data, at, (word,), what=word)
        members, where = data[word], at + pointer_of(word)
        parts = reader.items(
            members,
            where,
            lambda member, place: read_formula(reader, member, place, depth + 1),
            most=MAX_PARTS,
            code="too_many_members",
        )
        if members == []:
            reader.findings.add("empty_group", where, f"{word} has no formulas", 'to pay nothing write {"flat": "0"}')
        formula: Formula = make(tuple(parts))
        return formula

    return read


def _clamp(reader: Reader, data: dict[str, Any], at: str, depth: int) -> Formula | None:
    reader.object(data, at, ("clamp",), ("min", "max"), "clamp")
    part = read_formula(reader, data["clamp"], at + "/clamp", depth + 1)
    ends = {
        end: reader.decimal(data[end], at + pointer_of(end), what=f"the {end} of a clamp")
        for end in ("min", "max")
        if end in data
    }
    if not ends:
        reader.findings.add("bad_clamp", at, "a clamp has min, max or both", 'add "min" or "max"')
    low, high = ends.get("min"), ends.get("max")
    if low is not None and high is not None and low > high:
        reader.findings.add("bad_clamp", at, f"the minimum {low} is above the maximum {high}", "swap them")
    return None if part is None else Clamp(part, low, high)


def _tiers(reader: Reader, data: dict[str, Any], at: str, depth: int) -> Formula | None:
    reader.object(data, at, ("tiers",), what="tiers")
    where = at + "/tiers"
    table = reader.object(
        data["tiers"],
        where,
        ("mode", "by", "window", "rate", "steps"),
        ("crossing", "flat_at_zero"),
        "a tier table",
    )
    if table is None:
        return None
    mode = reader.word(table["mode"], where + "/mode", MODES)
    window = reader.word(table["window"], where + "/window", WINDOWS)
    rate = reader.word(table["rate"], where + "/rate", RATES)
    by = _metric(reader, table["by"], where + "/by")
    steps = reader.items(
        table["steps"],
        where + "/steps",
        lambda member, place: _step(reader, member, place, rate),
        most=MAX_STEPS,
        code="too_many_steps",
    )
    crossing = reader.word(table.get("crossing", "split"), where + "/crossing", CROSSINGS)
    at_zero = reader.flag(table.get("flat_at_zero", False), where + "/flat_at_zero")
    if isinstance(table["steps"], list) and len(steps) == len(table["steps"]):
        _check_steps(reader, steps, where + "/steps")
    if reader.is_in_item and window not in (None, "event"):
        message = f"an item is paid for by itself; found tiers over a {window}"
        reader.findings.add("bad_item_formula", where + "/window", message, 'use the window "event"')
    if rate == "percent" and by == Metric():
        reader.findings.add("bad_steps", where + "/rate", "percent needs an amount", 'count by {"sum": "order_value"}')
    if mode == "volume" and crossing == "whole_at_old":
        message = "volume pays all at the step that is reached, whatever it was before"
        reader.findings.add("bad_steps", where + "/crossing", message, 'leave it out, or use mode "graduated"')
    if mode is None or window is None or rate is None or by is None or crossing is None or not steps:
        return None
    return Tiers(mode, by, window, rate, tuple(steps), at_zero, crossing)


_ITEMS = 'items at several rates: {"sum": [{"per_item": …}, {"per_item": …}]}'


def _per_item(reader: Reader, data: dict[str, Any], at: str, depth: int) -> Formula | None:
    if reader.is_in_item:
        reader.findings.add("bad_item_formula", at, "an item is paid for by itself; found per_item in it", _ITEMS)
        return None
    shape = reader.object(data, at, ("per_item", "then"), ("where", "times"), "per_item")
    reader.per_items += 1
    if reader.per_items == MAX_PARTS + 1:
        reader.findings.add("too_many_members", at, f"at most {MAX_PARTS} per_item stand in one formula")
    items = data["per_item"]
    if not isinstance(items, str):
        message = f"per_item is followed by the name of a list of records; found {described(items)}"
        reader.findings.add("wrong_type", at + "/per_item", message)
        items = None
    when = read_condition(reader, data["where"], at + "/where") if "where" in data else Always()
    then = None
    if "then" in data:
        reader.is_in_item = True
        then = read_formula(reader, data["then"], at + "/then", depth + 1)
        reader.is_in_item = False
    times = _fact(reader, data["times"], at + "/times") if "times" in data else None
    if shape is None or items is None or when is None or then is None or ("times" in data and times is None):
        return None
    return PerItem(items, when, then, times, at)


def _metric(reader: Reader, data: Any, at: str) -> Metric | None:
    if not isinstance(data, dict) or len(data) != 1 or next(iter(data)) not in ("count", "sum"):
        reader.findings.add(
            "wrong_type", at, f'by is {{"count": true}} or {{"sum": "a fact"}}; found {described(data)}'
        )
        return None
    if "count" in data:
        if data["count"] is not True:
            message = f"count is true; found {described(data['count'])}"
            reader.findings.add("wrong_type", at + "/count", message, 'or sum a fact: {"sum": "order_value"}')
            return None
        return Metric()
    fact = _fact(reader, data["sum"], at + "/sum")
    return None if fact is None else Metric(fact)


def _step(reader: Reader, data: Any, at: str, rate: str | None) -> Step | None:
    step = reader.object(data, at, ("up_to", "unit"), ("flat",), "a step")
    if step is None:
        return None
    up_to = step["up_to"]
    end = None if up_to is None else reader.decimal(up_to, at + "/up_to", what="the upper end of a step")
    unit = reader.decimal(step["unit"], at + "/unit", what="a percentage" if rate == "percent" else "a price per unit")
    flat = reader.decimal(step.get("flat", "0"), at + "/flat", what="the flat amount of a step")
    if unit is None or flat is None or (up_to is not None and end is None):
        return None
    return Step(end, unit, flat)


_ENDLESS = 'the last one, and only that, is {"up_to": null, "unit": …}'


def _check_steps(reader: Reader, steps: list[Step], at: str) -> None:
    """Steps rise from zero and only the last one is endless."""
    if not steps:
        reader.findings.add("bad_steps", at, "a tier table has at least one step", _ENDLESS)
        return
    previous: Decimal = ZERO
    for index, step in enumerate(steps):
        is_last = index == len(steps) - 1
        if is_last != (step.up_to is None):
            message = "the last step has up_to null" if is_last else "only the last step may have up_to null"
            reader.findings.add("bad_steps", at + pointer_of(index, "up_to"), message, _ENDLESS)
        elif step.up_to is not None and step.up_to <= previous:
            message = f"steps rise: up_to {step.up_to} does not lie above {previous}"
            reader.findings.add("bad_steps", at + pointer_of(index, "up_to"), message, "put the steps in order")
        previous = previous if step.up_to is None else step.up_to


def _fact(reader: Reader, data: Any, at: str) -> str | None:
    if isinstance(data, str) and 0 < len(data) <= MAX_FACT_NAME:
        return data
    reader.findings.add("wrong_type", at, f"expected the name of a fact, found {described(data)}")
    return None


_READERS: dict[str, Any] = {
    "flat": _flat,
    "percent": _rated("percent", "a percentage", Percent),
    "per_unit": _rated("per_unit", "an amount per unit", PerUnit),
    "cpm": _rated("cpm", "an amount per thousand", Cpm),
    "amount": _amount,
    "package": _package,
    "tiers": _tiers,
    "per_item": _per_item,
    "sum": _group("sum", Sum),
    "least": _group("least", Least),
    "greatest": _group("greatest", Greatest),
    "clamp": _clamp,
}
