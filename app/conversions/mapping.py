"""Rows to engine values and back: pending conversions, stored decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.conversions.repository import Pending
from app.core.ids import derived_id
from app.core.instants import write_instant
from app.engine.counters import Before
from app.engine.decision import RECORD_KEYS, Decision, digest_of
from app.engine.evaluate import before_record
from app.engine.factsheet import Conversion, typed_facts
from app.rulelang.facts import Catalogue
from app.store import models
from app.store.rows import json_text


def engine_conversion(
    program_id: str,
    conversion_id: str,
    event_at: datetime,
    partner: str | None,
    raw_facts: dict[str, Any],
    customer_order_number: int | None,
    catalogue: Catalogue,
) -> Conversion:
    """Return a conversion the engine can decide. Its facts were checked when they came in."""
    facts, findings = typed_facts(raw_facts, catalogue, "/facts")
    assert not findings, findings
    return Conversion(conversion_id, program_id, event_at, partner, facts, customer_order_number)


def decision_row(
    pending: Pending,
    conversion: Conversion,
    decision: Decision,
    before: Before,
    record: dict[str, Any],
    now: datetime,
) -> tuple[Any, ...]:
    """Return a decision as a row, in the order of `repository.DECISION_COLUMNS`."""
    revision = pending.revision + 1
    return (
        derived_id("dec", conversion.program, pending.id, str(revision)),
        conversion.program,
        pending.id,
        revision,
        decision.contract,
        decision.contract_version,
        decision.event_at,
        decision.outcome,
        decision.amount,
        decision.currency,
        conversion.customer_order_number,
        json_text(before_record(before)),
        json_text(record),
        digest_of(record),
        now,
    )


def decision_data(row: models.Decision, as_of: datetime) -> dict[str, Any]:
    """Return a stored decision as it is shown: the record that was hashed, and what was known about it at an instant."""
    retired_at = retired_by(row, as_of)
    return {
        "id": row.id,
        "program": row.program_id,
        **{key: row.record[key] for key in RECORD_KEYS},
        "digest": row.digest,
        "as_of": write_instant(row.recorded_at),
        "retired_at": None if retired_at is None else write_instant(retired_at),
    }


def retired_by(row: models.Decision, as_of: datetime) -> datetime | None:
    """Return when a later decision took the place of this one, if one had by then."""
    return None if row.retired_at is None or row.retired_at > as_of else row.retired_at
