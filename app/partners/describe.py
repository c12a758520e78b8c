"""Programs as data for people and programs, as they were known at an instant. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core.instants import parse_instant, write_instant
from app.store.models import Program


def program_data(program: Program, as_of: datetime) -> dict[str, Any]:
    """Return a program with the facts that it had declared by then."""
    return {
        "id": program.id,
        "name": program.name,
        "currency": program.currency,
        "timezone": program.timezone,
        "attribution": program.attribution,
        "facts": {name: entry for name, entry in program.facts.items() if declared_at(program, name) <= as_of},
        "created_at": write_instant(program.created_at),
    }


def declared_at(program: Program, fact: str) -> datetime:
    """Return when a program declared a fact: at its creation, unless it was noted to be later."""
    later = parse_instant(program.facts_declared_at.get(fact, ""))
    return program.created_at if later is None else later
