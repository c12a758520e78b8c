"""The facts of one conversion as rules read them: raw values typed, derived ones computed. No lookups here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.core.errors import Finding, pointer_of
from app.engine.reversals import Reversal
from app.rulelang.ast import Value
from app.rulelang.diagnostics import described, did_you_mean
from app.rulelang.facts import Catalogue, Subject, typed_value

MAX_UNKNOWN = 20  # names that are looked up for what may have been meant; the others are counted
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Touch:
    """A click or a view of a partner's advertisement by the customer; facts by their names in the catalogue."""

    id: str
    partner: str
    type: Literal["click", "view"]
    at: datetime
    facts: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion as it is decided: the partner that claims it, its facts typed (what came back before the lock taken
    out), what the database knows of its customer and its order, the touches before it, and what came back of it."""

    id: str
    program: str
    event_at: datetime
    partner: str | None
    facts: Mapping[str, Value]
    customer_order_number: int | None = None
    touches: tuple[Touch, ...] = ()
    reversals: tuple[Reversal, ...] = ()
    # When it was submitted, where that is known; and the conversion that its order is counted as, if that is another one.
    received_at: datetime | None = None
    duplicate_of: str | None = None

    @property
    def customer(self) -> str:
        """The customer it is of, or an empty name."""
        found = self.facts.get("customer_id")
        return found if isinstance(found, str) else ""


def typed_facts(
    raw: Mapping[str, Any], catalogue: Catalogue, at: str, subject: Subject = "conversion"
) -> tuple[dict[str, Value], list[Finding]]:
    """Return raw facts of a conversion (or touch, or delivery) typed, and everything that is wrong with them. A fact that
    is null is absent."""
    facts: dict[str, Value] = {}
    findings: list[Finding] = []
    unknown: list[str] = []
    for name, value in raw.items():
        fact = catalogue.get(name)
        if fact is None or fact.derived or fact.subject != subject:
            unknown.append(name)
        elif value is not None:
            typed = typed_value(fact, value)
            if isinstance(typed, Finding):
                findings.append(typed.at(at + pointer_of(name)))
            else:
                facts[name] = typed
    findings += [_unknown(name, catalogue, at + pointer_of(name), subject) for name in unknown[:MAX_UNKNOWN]]
    if len(unknown) > MAX_UNKNOWN:
        findings.append(Finding("unknown_fact", f"{len(unknown) - MAX_UNKNOWN:,} more that are no facts", at))
    return facts, findings


def _unknown(name: str, catalogue: Catalogue, pointer: str, subject: Subject) -> Finding:
    fact = catalogue.get(name)
    if fact is not None and fact.subject != subject:
        message = f"{name} is a fact of a {fact.subject}, not of a {subject}"
        return Finding("unknown_fact", message, pointer, "leave it out")
    if fact is not None:
        return Finding("derived_fact", f"{name} is computed by Termline and cannot be sent", pointer, "leave it out")
    hint = did_you_mean(name, catalogue.names(sent_in=subject))
    return Finding("unknown_fact", f"there is no fact {described(name)}", pointer, hint)


def with_derived(conversion: Conversion, local: datetime, wanted: frozenset[str]) -> dict[str, Value]:
    """Return the facts with those derived ones that are wanted; `local` is the event in the contract's zone."""
    facts = dict(conversion.facts)
    for name, derive in _DERIVED.items():
        if name in wanted:
            value = derive(conversion, local)
            if value is not None:
                facts[name] = value
    return facts


_DERIVED: dict[str, Callable[[Conversion, datetime], Value | None]] = {
    "customer_order_number": lambda conversion, local: conversion.customer_order_number,
    "local_date": lambda conversion, local: local.date(),
    "weekday": lambda conversion, local: _WEEKDAYS[local.weekday()],
    "hour": lambda conversion, local: local.hour,
    "month": lambda conversion, local: local.month,
}
DERIVED = frozenset(_DERIVED)
"""The facts that are computed for a conversion."""
