"""Reading the touches that are sent with a conversion. Which of them count is the engine's business. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.conversions.parts import read_instant, read_text, unknown_keys
from app.core.errors import Finding, pointer_of
from app.core.instants import write_instant
from app.engine.factsheet import Touch, typed_facts
from app.rulelang.diagnostics import described, did_you_mean
from app.rulelang.facts import Catalogue
from app.rulelang.printer import value_text

KEYS = ("id", "partner", "type", "at", "facts")
TYPES = ("click", "view")
MAX_TOUCHES = 50
_OF = "a touch"


def read_touches(data: Any, catalogue: Catalogue, findings: list[Finding]) -> list[tuple[Touch, dict[str, Any]]]:
    """Return touches with their facts as they were sent, in order of time and id: the order in which they are sent says
    nothing."""
    if data is None:
        return []
    if not isinstance(data, list):
        findings.append(Finding("wrong_type", f"touches is a list; found {described(data)}", "/touches"))
        return []
    if len(data) > MAX_TOUCHES:
        message = f"{len(data):,} touches; a conversion carries at most {MAX_TOUCHES}"
        findings.append(Finding("too_many_members", message, "/touches", "send the latest of each partner"))
        return []
    found: list[tuple[Touch, dict[str, Any]]] = []
    for place, one in enumerate(data):
        at = "/touches" + pointer_of(place)
        touch = _touch(one, at, catalogue, findings)
        if touch is None:
            continue
        if any(touch[0].id == other.id for other, _ in found):
            message = f"the touch {touch[0].id!r} stands there twice"
            findings.append(Finding("duplicate_id", message, at + "/id", "send each once"))
        found.append(touch)
    return sorted(found, key=lambda each: (each[0].at, each[0].id))


def touches_record(touches: Sequence[Touch]) -> list[dict[str, Any]]:
    """Return touches as the hash of a conversion covers them."""
    return [
        {
            "id": touch.id,
            "partner": touch.partner,
            "type": touch.type,
            "at": write_instant(touch.at),
            "facts": {name: value_text(value) for name, value in touch.facts.items()},
        }
        for touch in touches
    ]


def _touch(data: Any, at: str, catalogue: Catalogue, findings: list[Finding]) -> tuple[Touch, dict[str, Any]] | None:
    if not isinstance(data, dict):
        findings.append(Finding("wrong_type", f"a touch is an object; found {described(data)}", at))
        return None
    before = len(findings)
    findings += unknown_keys(data, KEYS, at)
    identifier = read_text(data.get("id"), at + "/id", findings, "the touch's own id", _OF)
    partner = read_text(data.get("partner"), at + "/partner", findings, "the id of a partner", _OF)
    instant = read_instant(data.get("at"), at + "/at", findings, _OF)
    kind = _type(data.get("type"), at + "/type", findings)
    raw = data.get("facts", {})
    if not isinstance(raw, dict):
        findings.append(Finding("wrong_type", f"facts is an object; found {described(raw)}", at + "/facts"))
        return None
    facts, wrong = typed_facts(raw, catalogue, at + "/facts", "touch")
    findings += wrong
    if len(findings) > before or identifier is None or partner is None or instant is None or kind is None:
        return None
    sent = {name: value for name, value in raw.items() if value is not None}
    return Touch(identifier, partner, kind, instant, facts), sent


def _type(value: Any, at: str, findings: list[Finding]) -> Any:
    if value in TYPES:
        return value
    if value is None:
        findings.append(Finding("missing_key", f"{_OF} needs type: click or view", at))
    else:
        hint = did_you_mean(value, TYPES) if isinstance(value, str) else None
        findings.append(Finding("unknown_choice", f"type is click or view; found {described(value)}", at, hint))
    return None
