"""Programs as data for people and programs, as they were known at an instant. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core.instants import parse_instant, write_instant
from app.partners.attribution_models import DatedModel
from app.store.models import Program


def program_data(program: Program, as_of: datetime, partner: str | None = None) -> dict[str, Any]:
    """Return a program with the facts that it had declared by then. A partner is told the name of its first model, and
    not whom it names."""
    return {
        "id": program.id,
        "name": program.name,
        "currency": program.currency,
        "timezone": program.timezone,
        "attribution": program.attribution if partner is None else {"model": program.attribution["model"]},
        "facts": {name: entry for name, entry in program.facts.items() if declared_at(program, name) <= as_of},
        "created_at": write_instant(program.created_at),
    }


def model_data(program: Program, dated: DatedModel, created_by: str | None) -> dict[str, Any]:
    """Return an attribution model. The first one has no start: it has always been in force."""
    return {
        "program": program.id,
        "number": dated.number,
        "effective_from": None if dated.number == 1 else write_instant(dated.effective_from),
        "attribution": dated.body,
        "created_by": created_by,
        "recorded_at": write_instant(dated.recorded_at),
    }


def declared_at(program: Program, fact: str) -> datetime:
    """Return when a program declared a fact: at its creation, unless it was noted to be later."""
    later = parse_instant(program.facts_declared_at.get(fact, ""))
    return program.created_at if later is None else later
