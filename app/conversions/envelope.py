"""Reading a conversion as it is sent: the body of `POST /v1/conversions` and each line of its NDJSON form. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.canonical import record_hash
from app.core.errors import Finding, pointer_of
from app.core.instants import parse_instant, write_instant
from app.engine.factsheet import MAX_UNKNOWN, Touch, typed_facts
from app.rulelang.ast import Value
from app.rulelang.diagnostics import described, did_you_mean
from app.rulelang.facts import Catalogue
from app.rulelang.printer import value_text

KEYS = ("id", "program", "event_at", "received_at", "partner", "facts", "touches")
MAX_ID = 128


@dataclass(frozen=True, slots=True)
class Incoming:
    """A conversion that can be taken in. `body_hash` tells a repetition from a contradiction."""

    id: str
    program: str
    event_at: datetime
    received_at: datetime | None
    partner: str | None
    raw_facts: dict[str, Any]
    facts: dict[str, Value]
    body_hash: str
    touches: tuple[Touch, ...] = ()
    # The facts of touches as they were sent, by the id of the touch.
    raw_touches: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def customer_id(self) -> str | None:
        """The customer, when the conversion names one."""
        return text_of(self.facts, "customer_id")

    @property
    def order_id(self) -> str | None:
        """The order, when the conversion names one."""
        return text_of(self.facts, "order_id")


def text_of(facts: Mapping[str, Value], name: str) -> str | None:
    """Return a fact that is text, or None."""
    value = facts.get(name)
    return value if isinstance(value, str) else None


def read_conversion(body: Any, catalogue: Catalogue, program: str | None = None) -> Incoming | list[Finding]:
    """Return a conversion, or everything that is wrong with it. `program` is the one it belongs to unless it says so."""
    if not isinstance(body, dict):
        return [Finding("wrong_type", f"a conversion is an object; found {described(body)}")]
    findings = [*_unknown_keys([key for key in body if key not in KEYS])]
    identifier = _text(body.get("id"), "/id", findings, "the conversion's own id")
    owner = _text(body.get("program", program), "/program", findings, "the id of its program")
    partner = (
        None if body.get("partner") is None else _text(body["partner"], "/partner", findings, "the id of a partner")
    )
    event_at = _instant(body.get("event_at"), "/event_at", findings)
    received_at = None if body.get("received_at") is None else _instant(body["received_at"], "/received_at", findings)
    facts, wrong = _facts(body.get("facts"), catalogue)
    findings += wrong
    _refuse_touches(body.get("touches"), findings)
    if findings or identifier is None or owner is None or event_at is None:
        return findings
    raw = {name: value for name, value in body["facts"].items() if value is not None}
    digest = record_hash(
        {
            "event_at": write_instant(event_at),
            "partner": partner,
            "facts": {name: value_text(value) for name, value in facts.items()},
        }
    )
    return Incoming(identifier, owner, event_at, received_at, partner, raw, facts, digest)


def _unknown_keys(keys: list[str]) -> Iterator[Finding]:
    for key in keys[:MAX_UNKNOWN]:
        yield Finding("unknown_key", f"unknown key {described(key)}", pointer_of(key), did_you_mean(key, KEYS))
    if len(keys) > MAX_UNKNOWN:
        yield Finding("unknown_key", f"{len(keys) - MAX_UNKNOWN:,} more unknown keys")


def _text(value: Any, at: str, findings: list[Finding], what: str) -> str | None:
    if value is None:
        findings.append(Finding("missing_key", f"a conversion needs {at[1:]}: {what}", at))
    elif not isinstance(value, str) or not 0 < len(value) <= MAX_ID or not value.isprintable():
        message = f"{at[1:]} is {what}, a string of 1 to {MAX_ID} printable characters; found {described(value)}"
        findings.append(Finding("wrong_type", message, at))
    else:
        return value
    return None


def _instant(value: Any, at: str, findings: list[Finding]) -> datetime | None:
    instant = parse_instant(value) if isinstance(value, str) else None
    if instant is not None:
        return instant
    if value is None:
        findings.append(Finding("missing_key", f"a conversion needs {at[1:]}", at))
        return None
    is_naive = isinstance(value, str) and parse_instant(value + "Z") is not None  # all it lacks is the offset
    findings.append(
        Finding(
            "naive_time" if is_naive else "bad_instant",
            f"{at[1:]} is an instant with an offset (RFC 3339); found {described(value)}",
            at,
            f"write {value}Z or {value}-04:00" if is_naive else "such as 1997-07-02T10:00:00-04:00",
        )
    )
    return None


def _facts(raw: Any, catalogue: Catalogue) -> tuple[dict[str, Value], list[Finding]]:
    if not isinstance(raw, Mapping):
        message = "a conversion needs facts: an object of facts by name"
        return {}, [Finding("missing_key" if raw is None else "wrong_type", message, "/facts")]
    return typed_facts(raw, catalogue, "/facts")


def _refuse_touches(touches: Any, findings: list[Finding]) -> None:
    """Crediting a conversion while ignoring its touches would pay the wrong partner: refuse it instead."""
    if touches is not None and not isinstance(touches, list):
        findings.append(Finding("wrong_type", f"touches is a list; found {described(touches)}", "/touches"))
    elif touches:
        message = "touches are not attributed by this release yet"
        findings.append(Finding("not_available", message, "/touches", "send partner, the claim, and no touches"))
