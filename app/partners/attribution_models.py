"""The attribution models of a program on two clocks: which one was in force when, as it was known then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.core.canonical import record_hash
from app.core.instants import zone
from app.core.timeline import Span, in_force, timeline
from app.engine.attribution import ProgramModel
from app.engine.attribution.program_model import read_model
from app.store.models import AttributionModel, Program

_EVER = datetime.min.replace(tzinfo=UTC)
# What a program said of these two models before it could say more of them.
_IMPLIED = {
    "position_based": {"first": "40", "middle": "20", "last": "40"},
    "time_decay": {"half_life": "P7D"},
}


@dataclass(frozen=True, slots=True)
class DatedModel:
    """A model from an instant on. The first one of a program has always been in force."""

    number: int
    effective_from: datetime
    recorded_at: datetime
    body: dict[str, Any]
    model: ProgramModel
    retired_at: datetime | None = None


class ModelHistory:
    """The models of a program as they were known at an instant, ready to be asked for any instant."""

    def __init__(self, models: Iterable[DatedModel], as_of: datetime) -> None:
        self.spans: list[Span[DatedModel]] = timeline(models, as_of)

    def at(self, instant: datetime) -> ProgramModel:
        """Return the model in force at an instant."""
        found = in_force(self.spans, instant)
        assert found is not None  # the first one has always been in force
        return found.model


def models_of(program: Program, rows: Iterable[AttributionModel]) -> list[DatedModel]:
    """Return all models of a program, in order of number."""
    first = _dated(program, 1, _EVER, program.created_at, program.attribution)
    return [first, *(_dated(program, row.number, row.effective_from, row.recorded_at, row.model) for row in rows)]


def hash_of_model(body: dict[str, Any]) -> str:
    """Return the hash that decisions name a model by."""
    return record_hash(body)


def _dated(
    program: Program, number: int, effective_from: datetime, recorded_at: datetime, body: dict[str, Any]
) -> DatedModel:
    timezone = zone(program.timezone)
    assert timezone is not None  # checked when the program was made
    model, findings = read_model({**_IMPLIED.get(body["model"], {}), **body}, timezone)
    assert model is not None, findings  # checked when it was set
    record = {"id": program.id, "number": number, "hash": hash_of_model(body)}
    return DatedModel(number, effective_from, recorded_at, body, replace(model, record=record))
