"""Rows to engine values and back: pending conversions, stored decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.conversions.repository import Pending
from app.core.ids import derived_id
from app.core.instants import write_instant
from app.core.money import canonical
from app.engine.decision import RECORD_KEYS, Decision, digest_of
from app.engine.evaluate import before_record
from app.engine.factsheet import Conversion, Touch, typed_facts
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
    touches: Sequence[models.Touch] = (),
) -> Conversion:
    """Return a conversion the engine can decide. Its facts were checked when they came in."""
    facts, findings = typed_facts(raw_facts, catalogue, "/facts")
    assert not findings, findings
    read = (engine_touch(touch, catalogue) for touch in touches)
    seen = tuple(sorted(read, key=lambda touch: (touch.at, touch.id)))  # a database may order ids in another way
    return Conversion(conversion_id, program_id, event_at, partner, facts, customer_order_number, seen)


def engine_touch(touch: models.Touch, catalogue: Catalogue) -> Touch:
    """Return a touch the engine can attribute. Its facts were checked when they came in."""
    facts, findings = typed_facts(touch.facts, catalogue, "/facts", "touch")
    assert not findings, findings
    return Touch(touch.id, touch.partner, touch.type, touch.at, facts)  # type: ignore[arg-type]


def decision_row(
    pending: Pending,
    conversion: Conversion,
    partner: str | None,
    decision: Decision,
    record: dict[str, Any],
    now: datetime,
) -> tuple[Any, ...]:
    """Return a decision as a row, in the order of `repository.DECISION_COLUMNS`."""
    revision = pending.revision + 1
    # The id of a claim's decision was made of these three before there were others.
    others = () if partner == pending.partner else (partner or "",)
    return (
        derived_id("dec", conversion.program, pending.id, str(revision), *others),
        conversion.program,
        pending.id,
        partner,
        revision,
        decision.contract,
        decision.contract_version,
        decision.event_at,
        decision.outcome,
        decision.amount,
        decision.currency,
        conversion.customer_order_number,
        json_text(before_record(decision.before)),
        json_text({key: canonical(value) for key, value in decision.adds.items()}),
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
        "partner": row.partner,
        **{key: row.record[key] for key in RECORD_KEYS},
        "digest": row.digest,
        "as_of": write_instant(row.recorded_at),
        "retired_at": None if retired_at is None else write_instant(retired_at),
    }


def retired_by(row: models.Decision, as_of: datetime) -> datetime | None:
    """Return when a later decision took the place of this one, if one had by then."""
    return None if row.retired_at is None or row.retired_at > as_of else row.retired_at
