"""Draws contracts' documents: random rules with parameters and lists in several versions, dated rules, terms and renewals,
promotions and terminations, starts at and beside the beginnings of days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.contract_files.document import start_text
from app.core.instants import zone
from app.rulelang.bindings import lists_named, member_texts, params_named
from tests.builders.random_bodies import SMALL, Bodies, Random

ZONES = ("America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "UTC")
REASONS = (
    "Summer weekend",
    "a: b #c",
    "5",
    "null",
    "2031-01-01",
    "  two  spaces ",
    "Ünïcödé – 8 %",
    "x" * 300,
    "two\nlines",
)
FACTS = {"bundle": {"type": "enum", "values": ["basic", "no", "5"], "meaning": "what they chose", "required": False}}


def document_data_of(random: Random) -> dict[str, Any]:
    """Return a document as people could have written it, as data."""
    return _Drawing(random).document()


class _Drawing:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.bodies = Bodies(random, SMALL, bound=True)
        self.name = random.choice(ZONES)
        found = zone(self.name)
        assert found is not None
        self.zone = found
        self.instant = datetime(random.choice((1900, 1999, 2018, 2030)), 1, 1, tzinfo=UTC)
        self.pinned: dict[str, int] = {}

    def document(self) -> dict[str, Any]:
        versions = [version for _ in range(self.random.randint(1, 3)) for version in self.versions()]
        lists = {name: self.named_list(name) for name in self.bodies.lists}
        program = {"id": "shop", "currency": "USD", "timezone": "Europe/Berlin"}
        return {
            "format": 1,
            "program": {**program, **self.maybe(name="The – Shop"), **self.maybe(facts=FACTS)},
            "partner": {"id": "acme", **self.maybe(name="5")},
            "lists": lists,
            "contract": {"id": "on", "timezone": self.name, **self.maybe(rounding="half_even")},
            "versions": versions,
        }

    def maybe(self, **said: Any) -> dict[str, Any]:
        return said if self.random.random() < 0.4 else {}

    def start(self) -> str:
        """Return a start after all others: often a day, else an instant."""
        self.instant += timedelta(days=self.random.randint(1, 400), microseconds=self.random.choice((0, 1)))
        day = self.instant.astimezone(self.zone).date()
        if self.random.random() < 0.7:
            self.instant = self.instant.replace(hour=0) + timedelta(days=2)
            return (day + timedelta(days=1)).isoformat()
        return start_text(self.instant, self.zone)

    def versions(self) -> list[dict[str, Any]]:
        kind = self.random.choice(("amendment", "amendment", "renewal", "initial", "promotion", "termination"))
        first = {"effective_from": self.start(), "kind": kind, **self.maybe(reason=self.random.choice(REASONS))}
        if kind == "termination":
            return [first]
        if kind != "promotion" or self.random.random() < 0.3:
            return [{**first, **self.terms(first["effective_from"])}]
        said = self.terms(first["effective_from"])
        after = {"effective_from": self.start(), "kind": "restoration"}
        return [
            {**first, "until": after["effective_from"], **said},
            {**after, **self.terms(after["effective_from"])},
        ]

    def terms(self, start: str) -> dict[str, Any]:
        drawn = {kind: [self.body(kind) for _ in range(self.random.choice((1, 1, 2)))] for kind in KINDS}
        named = frozenset().union(*(params_named(body) for of_kind in drawn.values() for body in of_kind))
        return {
            **self.maybe(value=self.random.choice(("0", "100000", "12.5"))),
            **self.term(),
            "params": {name: self.bodies.params[name] for name in named},
            "rules": {kind: self.rules(of_kind, start) for kind, of_kind in drawn.items()},
        }

    def body(self, kind: str) -> dict[str, Any]:
        drawn: dict[str, Any] = getattr(self.bodies, kind)()
        return drawn

    def rules(self, bodies: list[dict[str, Any]], start: str) -> Any:
        """Return one body, or dated ones, each with older versions of its lists now and then."""
        if len(bodies) == 1 and self.random.random() < 0.5:
            return bodies[0]
        return [
            {
                "effective_from": start if index == 0 else self.start(),
                **({"lists": pins} if (pins := self.pins(body)) else {}),
                "body": body,
            }
            for index, body in enumerate(bodies)
        ]

    def pins(self, body: dict[str, Any]) -> dict[str, int]:
        several = [name for name in lists_named(body) if len(self.bodies.lists[name].members) > 1]
        return {name: 1 for name in several if self.random.random() < 0.5}

    def named_list(self, name: str) -> dict[str, Any]:
        """Return a list: with more than one member it had two versions."""
        found = self.bodies.lists[name]
        members = member_texts(found)
        versions = [members[:1], members] if len(members) > 1 else [members]
        return {"type": found.type, **self.maybe(description="Codes: theirs"), "versions": versions}

    def term(self) -> dict[str, Any]:
        day = self.instant.astimezone(self.zone).date() + timedelta(days=self.random.randint(30, 900))
        renewal: dict[str, Any] = self.random.choice(
            (
                {"mode": "none"},
                {"mode": "evergreen", "notice_days": 30},
                {"mode": "fixed", "months": 12, "uplift": "3", "counted_from": date(2030, 1, 31).isoformat()},
            )
        )
        term = self.random.choice(({}, {"ends_on": day.isoformat()}, {"ends_on": day.isoformat(), "renewal": renewal}))
        return term | self.settlement()

    def settlement(self) -> dict[str, Any]:
        fx = {"date": "fixed", "rates": {"EUR": "1.1", "GBP": "1.25"}}
        lock = self.random.choice(({"month_end_days": 10}, {"day_of_month": 31}, {"event_days": 45}))
        release = self.random.choice(({}, {"after_lock": "release"}))
        agreed = {"hold_days": 30, "lock": lock, "submit_within_days": 90, "fx": fx} | release
        return self.random.choice(({}, {"settlement": agreed}, {"settlement": {"lock": lock}}))


KINDS = ("eligibility", "attribution", "payout")
