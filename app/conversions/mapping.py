"""Rows to engine values and back: pending conversions, stored decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.conversions.repository import Pending
from app.core.ids import derived_id
from app.core.instants import write_instant
from app.core.money import canonical
from app.engine.decision import RECORD_KEYS, Decision, digest_of
from app.engine.deliveries.decision import DAY_RECORD_KEYS
from app.engine.evaluate import before_record
from app.engine.factsheet import Conversion, Touch, typed_facts
from app.engine.reversals import VALUE, Returned, Reversal, decided_facts, is_undone
from app.rulelang.ast import Value
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
    reversals: Sequence[models.Reversal] = (),
    *,
    received_at: datetime | None = None,
    duplicate_of: str | None = None,
) -> Conversion:
    """Return a conversion the engine can decide, with what is left of its facts. They were checked when they came in."""
    facts = facts_as_sent(raw_facts, catalogue)
    read = (engine_touch(touch, catalogue) for touch in touches)
    seen = tuple(sorted(read, key=lambda touch: (touch.at, touch.id)))  # a database may order ids in another way
    back = engine_reversals(reversals, facts)
    left = decided_facts(facts, back) if back and not is_undone(back) else facts
    return Conversion(
        conversion_id,
        program_id,
        event_at,
        partner,
        left,
        customer_order_number,
        seen,
        back,
        received_at=received_at,
        duplicate_of=duplicate_of,
    )


def facts_as_sent(raw_facts: dict[str, Any], catalogue: Catalogue) -> dict[str, Value]:
    """Return the facts of a conversion typed. They were checked when they came in."""
    facts, findings = typed_facts(raw_facts, catalogue, "/facts")
    assert not findings, findings
    return facts


def engine_reversals(rows: Sequence[models.Reversal], facts: Mapping[str, Value]) -> tuple[Reversal, ...]:
    """Return the reversals of a conversion with these facts as the engine can apply them. Whether a part was all that
    there was depends on what the order is now: a correction may have found it smaller, or larger."""
    return tuple(_engine_reversal(row, facts.get(VALUE)) for row in rows)


def _engine_reversal(row: models.Reversal, value: Value | None) -> Reversal:
    items = tuple(Returned(item["sku"], item["quantity"]) for item in row.items)
    is_part = row.form != "full" and isinstance(value, Decimal)
    leaves_nothing = row.total >= value if is_part else row.leaves_nothing  # type: ignore[operator]
    return Reversal(row.id, row.reversed_at, row.mode, row.value, leaves_nothing, items)  # type: ignore[arg-type]


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
        None,
        partner,
        revision,
        decision.contract,
        decision.contract_version,
        decision.event_at,
        decision.outcome,
        decision.amount,
        decision.currency,
        conversion.customer_order_number,
        len(conversion.reversals),
        pending.correction,
        conversion.duplicate_of,
        decision.held_until,
        decision.locks_at,
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
        **record_of(row),
        "digest": row.digest,
        "as_of": write_instant(row.recorded_at),
        "retired_at": None if retired_at is None else write_instant(retired_at),
    }


def record_of(row: models.Decision) -> dict[str, Any]:
    """Return a decision's record as it was hashed, in the order in which people read it."""
    keys = RECORD_KEYS if row.delivered_on is None else DAY_RECORD_KEYS
    return {key: row.record[key] for key in keys if key in row.record}


def retired_by(row: models.Decision, as_of: datetime) -> datetime | None:
    """Return when a later decision took the place of this one, if one had by then."""
    return None if row.retired_at is None or row.retired_at > as_of else row.retired_at
