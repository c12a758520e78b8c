"""Draws a catalogue of facts, what they may be, and conversions around a change of clocks whose derived facts are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.core.errors import Finding
from app.engine.factsheet import Conversion, with_derived
from app.engine.matcher import Facts, RuleConditions
from app.rulelang.ast import Value
from app.rulelang.facts import MEMBERS, SCALARS, Catalogue, Fact, catalogue_from, typed_scalar, typed_value
from tests.builders import awkward_values as awkward
from tests.builders.conditions import rules
from tests.builders.random_rules import Pool, random_condition, random_facts

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DERIVED: Mapping[str, Mapping[str, Any]] = {
    "local_date": {"type": "date"},
    "weekday": {"type": "enum", "values": WEEKDAYS},
    "hour": {"type": "integer"},
    "month": {"type": "integer"},
    "customer_order_number": {"type": "integer"},
}
MANY = 150  # members of a list that is looked up


@dataclass(frozen=True)
class World:
    """A catalogue with what its facts may be, and the events in a zone from which the derived ones are computed."""

    catalogue: Catalogue
    pools: Mapping[str, Pool]
    zone: ZoneInfo
    events: tuple[datetime, ...]

    def rules(self, random: Random, count: int) -> RuleConditions:
        """Return so many rules over the facts."""
        return rules({f"rule {n}": random_condition(random, pools=self.pools) for n in range(count)})

    def facts(self, random: Random) -> Facts:
        """Return the facts of a conversion, a third of them absent."""
        sent_in = {name: pool for name, pool in self.pools.items() if name not in DERIVED}
        order_number = random.choice([None, *self.pools["customer_order_number"].values])
        event = random.choice(self.events)
        given = random_facts(random, sent_in)
        conversion = Conversion("c", "p", event, None, given, order_number)  # type: ignore[arg-type]
        wanted = frozenset(name for name in DERIVED if random.random() > 0.1)
        return with_derived(conversion, event.astimezone(self.zone), wanted)


def random_world(random: Random) -> World:
    """Return a catalogue with facts of every type, under awkward names, some alike but for their case."""
    scalars, lists = (*SCALARS, *random.choices(SCALARS, k=4)), (*MEMBERS, "records")
    names = iter(random.sample(awkward.NAMES, len(scalars) + len(lists)))
    entries = {next(names): _entry(random, kind) for kind in (*scalars, *lists)}
    derived = {name: {"meaning": "derived", "derived": True, **entry} for name, entry in DERIVED.items()}
    catalogue = catalogue_from(entries | derived)
    zone, change = awkward.a_change(random)
    steps = (-awkward.NEXT, timedelta(0), awkward.NEXT, *awkward.MOMENTS, *(-step for step in awkward.MOMENTS))
    events = tuple(change + step for step in steps)
    pools = {fact.name: _pool(random, fact) for fact in catalogue if not fact.derived}
    return World(catalogue, pools | _derived_pools(zone, events), zone, events)


def _entry(random: Random, kind: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": kind, "meaning": "drawn"}
    if kind in ("enum", "enum_list"):
        entry["values"] = tuple(dict.fromkeys(awkward.texts(random)))
    elif kind == "records":
        kinds = ("text", *random.choices(SCALARS, k=random.randint(1, 7)))
        names = random.sample(awkward.NAMES, len(kinds))
        entry["fields"] = {name: _entry(random, each) for name, each in zip(names, kinds, strict=True)}
    return entry


def _pool(random: Random, fact: Fact) -> Pool:
    if fact.type == "records":
        return Pool("records", fields={each.name: _pool(random, each) for each in fact.fields})
    if fact.type not in MEMBERS:
        return Pool(fact.type, _typed(fact, RAW[fact.type](random, fact)), more=_many(fact))
    raw = list(dict.fromkeys(RAW[MEMBERS[fact.type]](random, fact)))
    members = tuple(dict.fromkeys(_checked(typed_scalar(fact, each)) for each in raw))
    some = [[], [raw[0]], [raw[0], raw[0]], *(random.sample(raw, random.randint(1, len(raw))) for _ in range(4))]
    everything = [[*members, *_many(fact)]] if fact.type == "text_list" else []
    return Pool(fact.type, _typed(fact, [*some, *everything]), members, more=_many(fact))


RAW: dict[str, Callable[[Random, Fact], list[Any]]] = {
    "text": lambda random, fact: awkward.texts(random),
    "enum": lambda random, fact: list(fact.values),
    "integer": lambda random, fact: awkward.integers(random),
    "decimal": lambda random, fact: awkward.decimals(random),
    "boolean": lambda random, fact: [True, False],
    "date": lambda random, fact: awkward.dates(random),
    "instant": lambda random, fact: awkward.instants(random),
    "duration": lambda random, fact: awkward.durations(random),
}


def _many(fact: Fact) -> tuple[Any, ...]:
    """Return members that no fact has but one, for a list that is looked up instead of compared one by one."""
    if fact.type in ("text", "text_list"):
        return tuple(f"member {n}" for n in range(MANY))
    return tuple(range(7_000, 7_000 + MANY)) if fact.type == "integer" else ()


def _derived_pools(zone: ZoneInfo, events: tuple[datetime, ...]) -> dict[str, Pool]:
    wanted = frozenset(DERIVED) - {"customer_order_number"}
    seen = [with_derived(Conversion("c", "p", at, None, {}), at.astimezone(zone), wanted) for at in events]
    values = {name: tuple(dict.fromkeys(facts[name] for facts in seen)) for name in wanted}
    pools = {name: Pool(str(DERIVED[name]["type"]), found) for name, found in sorted(values.items())}
    return pools | {"customer_order_number": Pool("integer", (1, 2, 3))}


def _typed(fact: Fact, raw: list[Any]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(_checked(typed_value(fact, each)) for each in raw))


def _checked(value: Any) -> Any:
    if isinstance(value, Finding):
        raise ValueError(value.message)
    return value
