"""What tier tables pay over windows, worked out from the words of the design alone, in fractions. It shares no code with
the product, keeps no counters, and looks each time at everything that happened before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.independent.limits import Deal, window

F = Fraction
Table = Mapping[str, Any]
Paid = tuple[str, str, F]
"""A line: its rule, its part, its amount."""


@dataclass(frozen=True)
class Version:
    """Terms from an instant on: a table for each rule, and what is said of counters."""

    since: datetime
    tables: Mapping[str, Table]
    counters: str | None = None

    def metrics(self) -> set[tuple[str, str]]:
        """What is counted, each over a window: events, or the sum of the fact."""
        found = set()
        for table in self.tables.values():
            if table["window"] != "event":
                found.add((next(iter(table["by"])), table["window"]))
                if table.get("flat_at_zero"):
                    found.add(("count", table["window"]))
        return found

    def bookings(self) -> set[tuple[str, str]]:
        """What is booked: volume tables, each for its rule."""
        return {
            (f"{rule} {json.dumps(table, sort_keys=True)}", table["window"])
            for rule, table in self.tables.items()
            if table["mode"] == "volume" and table["window"] != "event"
        }


@dataclass(frozen=True)
class Sale:
    """A conversion: when, which rules it meets, and the quantity that it brings."""

    id: str
    at: datetime
    rules: tuple[str, ...]
    quantity: F


@dataclass(frozen=True)
class World:
    """A contract's versions, and where and since when its windows are counted."""

    versions: Sequence[Version]
    zone: str
    began: date

    def version(self, sale: Sale) -> int:
        return max(n for n, version in enumerate(self.versions) if version.since <= sale.at)

    def same(self, name: str, one: Sale, two: Sale) -> bool:
        deal = Deal("", self.zone, self.began, ())
        return name != "event" and bool(window(name, one.at, deal) == window(name, two.at, deal))


def lines(sales: Iterable[Sale], world: World) -> dict[str, list[Paid]]:
    """Return the lines of every sale, those of zero for adjustments left out."""
    past: list[Sale] = []
    found = {}
    for sale in sorted(sales, key=lambda one: (one.at, one.id)):
        found[sale.id] = _lines(sale, past, world)
        past.append(sale)
    return found


def _lines(sale: Sale, past: Sequence[Sale], world: World) -> list[Paid]:
    number = world.version(sale)
    own: list[Paid] = []
    adjusting: list[Paid] = []
    for rule, table in world.versions[number].tables.items():
        before, is_open = _held(sale, past, world, number, table)
        quantity = F(1) if "count" in table["by"] else sale.quantity
        if table["mode"] == "volume" and table["window"] != "event":
            booked = _booked(sale, past, world, number, rule, table)
            at_old = _bill(table, booked, bool(booked), before)
            at_new = _bill(table, booked, bool(booked), before + quantity)
            if at_old != at_new:
                adjusting.append((rule, "adjustment", at_new - at_old))
            amount = _bill(table, [*booked, quantity], True, before + quantity) - at_new
        else:
            amount = _increment(table, before, quantity, is_open)
        if rule in sale.rules:
            own.append((rule, "", amount))
    return [*(own or [("otherwise", "", F(0))]), *adjusting]


def _held(sale: Sale, past: Sequence[Sale], world: World, number: int, table: Table) -> tuple[F, bool]:
    """Return what the window held, and whether anything came into it."""
    if table["window"] == "event":
        return F(0), False
    metric = next(iter(table["by"]))
    before = _seen(sale, past, world, number, metric, table["window"])
    counted = sum((F(1) if metric == "count" else one.quantity for one in before), F(0))
    is_open = bool(table.get("flat_at_zero")) and bool(_seen(sale, past, world, number, "count", table["window"]))
    return counted, is_open


def _seen(sale: Sale, past: Sequence[Sale], world: World, number: int, metric: str, name: str) -> list[Sale]:
    kinds = [version.metrics() for version in world.versions]
    start = _run(world, kinds, number, metric, name)
    counting = {n for n, kind in enumerate(kinds) if metric in {known for known, _ in kind}}
    return [one for one in past if one.at >= start and world.version(one) in counting and world.same(name, one, sale)]


def _booked(sale: Sale, past: Sequence[Sale], world: World, number: int, rule: str, table: Table) -> list[F]:
    kinds = [version.bookings() for version in world.versions]
    name = f"{rule} {json.dumps(table, sort_keys=True)}"
    start = _run(world, kinds, number, name, table["window"])
    return [
        F(1) if "count" in table["by"] else one.quantity
        for one in past
        if one.at >= start
        and rule in one.rules
        and (name, table["window"]) in kinds[world.version(one)]
        and world.same(table["window"], one, sale)
    ]


def _run(world: World, kinds: Sequence[set[tuple[str, str]]], number: int, metric: str, name: str) -> datetime:
    """Return since when a version counts something over a window."""
    version = world.versions[number]
    if number == 0 or version.counters == "restart":
        return version.since
    if (metric, name) in kinds[number - 1]:
        return _run(world, kinds, number - 1, metric, name)
    if version.counters == "carry":
        for earlier in range(number - 1, -1, -1):
            names = [known for other, known in kinds[earlier] if other == metric]
            if names:
                return min(_run(world, kinds, earlier, metric, known) for known in names)
    return version.since


def _step(table: Table, quantity: F) -> Mapping[str, Any]:
    return next(step for step in table["steps"] if step["up_to"] is None or quantity <= F(step["up_to"]))


def _unit(table: Table, step: Mapping[str, Any]) -> F:
    return F(step["unit"]) / (100 if table["rate"] == "percent" else 1)


def _bill(table: Table, quantities: Sequence[F], is_entered: bool, reached: F) -> F:
    """Return what a volume table is owed for quantities when its window has reached a total."""
    flat = table["steps"][0] if reached <= 0 else _step(table, reached)
    fixed = F(flat.get("flat", "0")) if is_entered else F(0)
    if reached <= 0:
        return fixed if reached == 0 and table.get("flat_at_zero") else F(0)
    return sum(quantities, F(0)) * _unit(table, flat) + fixed


def total_price(table: Table, quantity: F) -> F:
    """Return the price of a total: of all at the step reached, or slice by slice."""
    if quantity <= 0:
        return F(table["steps"][0].get("flat", "0")) if quantity == 0 and table.get("flat_at_zero") else F(0)
    if table["mode"] == "volume":
        return quantity * _unit(table, _step(table, quantity)) + F(_step(table, quantity).get("flat", "0"))
    price, low = F(0), F(0)
    for step in table["steps"]:
        high = quantity if step["up_to"] is None else min(quantity, F(step["up_to"]))
        if high > low:
            price += (high - low) * _unit(table, step) + F(step.get("flat", "0"))
        low = max(low, high)
    return price


def _increment(table: Table, before: F, quantity: F, is_open: bool) -> F:
    paid = total_price(table, before) if before or is_open else F(0)
    crossing = table.get("crossing", "split")
    if table["mode"] == "volume" or crossing == "split" or quantity <= 0 or before < 0:
        return total_price(table, before + quantity) - paid
    free = {**table, "steps": [{**step, "unit": "0"} for step in table["steps"]]}
    flats = total_price(free, before + quantity) - (total_price(free, before) if before or is_open else F(0))
    ends = [step for step in table["steps"] if step["up_to"] is None or before < F(step["up_to"])]
    step = ends[0] if crossing == "whole_at_old" else _step(table, before + quantity)
    return quantity * _unit(table, step) + flats
