"""Reading a conversion as it is sent: the body of `POST /v1/conversions` and each line of its NDJSON form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.conversions.parts import read_instant, read_text, unknown_keys
from app.conversions.touches import read_touches, touches_record
from app.core.canonical import record_hash
from app.core.errors import Finding
from app.core.instants import write_instant
from app.engine.factsheet import Touch, typed_facts
from app.rulelang.ast import Value
from app.rulelang.diagnostics import described
from app.rulelang.facts import Catalogue
from app.rulelang.printer import value_text

KEYS = ("id", "program", "event_at", "received_at", "partner", "facts", "touches")


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
    findings = [*unknown_keys(body, KEYS)]
    identifier = read_text(body.get("id"), "/id", findings, "the conversion's own id")
    owner = read_text(body.get("program", program), "/program", findings, "the id of its program")
    partner = (
        None if body.get("partner") is None else read_text(body["partner"], "/partner", findings, "the id of a partner")
    )
    event_at = read_instant(body.get("event_at"), "/event_at", findings)
    received_at = (
        None if body.get("received_at") is None else read_instant(body["received_at"], "/received_at", findings)
    )
    facts, wrong = _facts(body.get("facts"), catalogue)
    findings += wrong
    touched = read_touches(body.get("touches"), catalogue, findings)
    if findings or identifier is None or owner is None or event_at is None:
        return findings
    raw = {name: value for name, value in body["facts"].items() if value is not None}
    touches = tuple(touch for touch, _ in touched)
    digest = record_hash(
        {
            "event_at": write_instant(event_at),
            "partner": partner,
            "facts": {name: value_text(value) for name, value in facts.items()},
            **({"touches": touches_record(touches)} if touches else {}),
        }
    )
    sent = {touch.id: given for touch, given in touched}
    return Incoming(identifier, owner, event_at, received_at, partner, raw, facts, digest, touches, sent)


def _facts(raw: Any, catalogue: Catalogue) -> tuple[dict[str, Value], list[Finding]]:
    if not isinstance(raw, Mapping):
        message = "a conversion needs facts: an object of facts by name"
        return {}, [Finding("missing_key" if raw is None else "wrong_type", message, "/facts")]
    return typed_facts(raw, catalogue, "/facts")
