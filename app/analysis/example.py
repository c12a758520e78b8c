"""An example conversion: raw JSON as it can be sent, and the facts that rules read of it. Nothing is solved here."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.analysis.texts import FILLERS
from app.core.errors import Finding
from app.core.instants import write_instant
from app.engine.factsheet import Conversion, typed_facts, with_derived
from app.engine.matcher import Facts
from app.rulelang.facts import CUSTOMER, Catalogue, Fact, typed_value

A_DAY, AN_HOUR = date(2026, 1, 5), 12
ORDER_NUMBER = "customer_order_number"


@dataclass(frozen=True, slots=True)
class Example:
    """A conversion that shows something: its facts as JSON, when it happened, and, where rules ask for it, the number of
    the order among those of its customer. Its local date and hour are those of `timezone`."""

    event_at: datetime
    timezone: ZoneInfo
    facts: Mapping[str, Any]
    customer_order_number: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON data: the keys of a conversion, and what its contract and its customer have to be."""
        number = {} if self.customer_order_number is None else {ORDER_NUMBER: self.customer_order_number}
        sent = {"event_at": write_instant(self.event_at), "facts": dict(self.facts)}
        return {**sent, "timezone": self.timezone.key, **number}


def facts_of_example(example: Example, catalogue: Catalogue, wanted: frozenset[str]) -> Facts | None:
    """Return the facts that rules read of a conversion, derived ones with them, or None if it could not be sent so."""
    facts, wrong = typed_facts(example.facts, catalogue, "")
    if wrong:
        return None
    number = example.customer_order_number if CUSTOMER in facts else None
    conversion = Conversion("example", "program", example.event_at, None, facts, number)
    local = example.event_at.astimezone(example.timezone)
    return with_derived(conversion, local, wanted)


def example_on(
    day: date, hour: int, number: int | None, facts: Mapping[str, Any], catalogue: Catalogue, timezone: ZoneInfo
) -> Example | None:
    """Return a conversion at an hour of a local day, or None where the day has no such hour that we can write."""
    sent = dict(facts)
    if number is not None and sent.get(CUSTOMER) is None and catalogue.get(CUSTOMER) is not None:
        sent[CUSTOMER] = catalogue_example(catalogue[CUSTOMER])
    for minutes in (0, 30, 45):
        local = datetime(day.year, day.month, day.day, hour, minutes, tzinfo=timezone)
        try:
            instant = local.astimezone(UTC)
        except OverflowError:
            return None
        back = instant.astimezone(timezone)
        if (back.date(), back.hour) == (day, hour) and 2 <= instant.year <= 9998:
            return Example(instant, timezone, sent, number)
    return None


def ordinary_example(catalogue: Catalogue, wanted: frozenset[str], timezone: ZoneInfo) -> Example:
    """Return a conversion like any other: the required facts that are wanted, with the values of the catalogue."""
    facts = {
        name: catalogue_example(catalogue[name])
        for name in sorted(wanted)
        if catalogue[name].required and not catalogue[name].derived and catalogue[name].subject == "conversion"
    }
    number = 1 if ORDER_NUMBER in wanted else None
    found = example_on(A_DAY, AN_HOUR, number, facts, catalogue, timezone)
    assert found is not None
    return found


def day_like(weekday: int | None, month: int | None) -> date:
    """Return the first day from a usual one on with this weekday and month, where they are given."""
    day = A_DAY
    while (weekday is not None and day.weekday() != weekday) or (month is not None and day.month != month):
        day += timedelta(days=1)
    return day


def catalogue_example(fact: Fact) -> Any:
    """Return the value that the catalogue gives as an example, or a plain one of the type."""
    try:
        raw = json.loads(fact.example)
    except ValueError:
        raw = None
    usable = raw is not None and not isinstance(typed_value(fact, raw), Finding)
    return raw if usable else (fact.values[0] if fact.type == "enum" else _PLAIN[fact.type])


_PLAIN: dict[str, Any] = {
    "text": "text",
    "integer": 1,
    "decimal": "1",
    "boolean": True,
    "date": "2026-01-05",
    "instant": "2026-01-05T12:00:00Z",
    "duration": "PT1H",
    "text_list": [],
    "enum_list": [],
    "records": [],
}


def simpler(example: Example, catalogue: Catalogue, kept: Collection[str]) -> Iterator[Example]:
    """Yield conversions that are simpler in one thing: without a fact, with the catalogue's value for it, or on a usual
    day. Facts that are `kept` stay."""
    yield from _on_usual_days(example, catalogue)
    is_numbered = example.customer_order_number is not None
    for name, value in example.facts.items():
        fact = catalogue[name]
        others = {key: other for key, other in example.facts.items() if key != name}
        if not fact.required and name not in kept and not (name == CUSTOMER and is_numbered):
            yield replace(example, facts=others)
        for plainer in _plainer(value, fact):
            yield replace(example, facts={**others, name: plainer})


def _on_usual_days(example: Example, catalogue: Catalogue) -> Iterator[Example]:
    local = example.event_at.astimezone(example.timezone)
    usual = [(A_DAY, AN_HOUR), (A_DAY, local.hour), (day_like(local.weekday(), local.month), local.hour)]
    here = (local.date(), local.hour)
    for day, hour in usual[: usual.index(here)] if here in usual else usual:
        moved = example_on(day, hour, example.customer_order_number, example.facts, catalogue, example.timezone)
        if moved is not None:
            yield moved


def _plainer(value: Any, fact: Fact) -> Iterator[Any]:
    """Yield values of a fact that people take in more easily than this one."""
    usual = catalogue_example(fact)
    if value == usual:
        return
    if fact.type != "records":
        yield usual
    if fact.type == "text" and value.rstrip(FILLERS) not in ("", value):
        yield value.rstrip(FILLERS)
    if fact.type == "records":
        yield from _plainer_items(value, {field.name: field for field in fact.fields})


def _plainer_items(items: list[dict[str, Any]], fields: Mapping[str, Fact]) -> Iterator[list[dict[str, Any]]]:
    for place, item in enumerate(items):
        before, after = items[:place], items[place + 1 :]
        yield [*before, *after]
        for name, value in item.items():
            others = {key: other for key, other in item.items() if key != name}
            if not fields[name].required:
                yield [*before, others, *after]
            yield from ([*before, {**others, name: plainer}, *after] for plainer in _plainer(value, fields[name]))
