"""The rates that are recorded, as the engine asks for them. What is committed is what we know, whatever clocks say."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from app.engine.exchange import Rate
from app.rates.repository import rates_between


class RecordedRates:
    """Returns rates; those between two currencies are read at once, when the first of them is asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._between: dict[tuple[str, str], dict[date, Rate]] = {}

    def __call__(self, source: str, target: str, day: date) -> Rate | None:
        if (source, target) not in self._between:
            rows = rates_between(self._session, source, target)
            self._between[source, target] = {on: Rate(row.rate, row.said_by) for on, row in rows.items()}
        return self._between[source, target].get(day)
