"""Rates as data for people and programs. Pure."""

from __future__ import annotations

from typing import Any

from app.core.instants import write_instant
from app.core.money import canonical
from app.store.models import ExchangeRate


def rate_data(row: ExchangeRate) -> dict[str, Any]:
    """Return a rate as it was recorded."""
    return {
        "from": row.source,
        "to": row.target,
        "day": row.day.isoformat(),
        "rate": canonical(row.rate),
        "source": row.said_by,
        "number": row.number,
        "reason": row.reason,
        "recorded_by": row.recorded_by,
        "recorded_at": write_instant(row.recorded_at),
    }
