"""The rates that are recorded, as the engine asks for them. What is committed is what we know, whatever clocks say."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from app.engine.exchange import Rate
from app.rates.repository import rates_between
from app.store.models import ExchangeRate


class RecordedRates:
    """Returns rates; those between two currencies are read at once, when the first of them is asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._between: dict[tuple[str, str], dict[date, list[ExchangeRate]]] = {}

    def __call__(self, source: str, target: str, day: date, final_at: datetime | None) -> Rate | None:
        """Return the last rate that was recorded for a day; of what is final, the last before that, or else the first."""
        recorded = self._of(source, target).get(day, [])
        in_time = [row for row in recorded if final_at is None or row.recorded_at < final_at] or recorded[:1]
        return Rate(in_time[-1].rate, in_time[-1].said_by) if in_time else None

    def _of(self, source: str, target: str) -> dict[date, list[ExchangeRate]]:
        if (source, target) not in self._between:
            by_day: dict[date, list[ExchangeRate]] = {}
            for row in rates_between(self._session, source, target):
                by_day.setdefault(row.day, []).append(row)
            self._between[source, target] = by_day
        return self._between[source, target]
