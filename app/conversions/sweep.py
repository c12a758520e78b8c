"""What settling keeps in mind while it goes through conversions in canonical order: what the counters of contracts hold,
and where they hold something else than before. Pure but for the loading of counters, which it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from app.core.money import ZERO, minus, plus
from app.core.period import window_of
from app.engine.counters import Before, Counter, RunningTotals
from app.engine.terms import Terms, TermsHistory

Place: TypeAlias = tuple[datetime, str]
"""The place of a conversion in canonical order: (event_at, id)."""

LoadCounter: TypeAlias = Callable[[str, Counter, datetime, Place, str], Decimal]
"""Returns what a counter of a contract held of the window that starts at an instant, before a place, of a customer."""

_Key = tuple[Counter, datetime, str]


class Counting:
    """The counters of the contracts that are watched. All conversions of a watched contract pass by, in order."""

    def __init__(self, histories: Iterable[TermsHistory], load: LoadCounter) -> None:
        self._histories = {history.contract.id: history for history in histories}
        self._watched: frozenset[str] = frozenset()
        self._load = load
        self._totals: dict[str, RunningTotals] = {}

    def counts(self, contract: str) -> bool:
        """Tell whether the conversions of a contract depend on each other."""
        return bool(self._histories[contract].counters)

    def watch(self, watched: frozenset[str]) -> None:
        """Watch these contracts from now on. The counters of others are forgotten: their conversions pass by unseen."""
        self._watched = watched
        self._totals = {contract: totals for contract, totals in self._totals.items() if contract in watched}

    def before(self, terms: Terms, place: Place, customer: str) -> Before:
        """Return what the counters of a contract hold before a place."""
        return self._of(terms.contract.id, place).before(terms.counters_since, place[0], customer)

    def before_day(self, terms: Terms, day: date, place: Place) -> Before:
        """Return what the counters that deliveries of a day depend on hold before it."""
        history = self._histories[terms.contract.id]
        return self._of(terms.contract.id, place).before(history.delivery_counted(terms, day), place[0])

    def add(self, contract: str, place: Place, customer: str, added: Mapping[str, Decimal]) -> None:
        """Count what a decision adds to the counters of a contract, if it is watched."""
        history = self._histories[contract]
        terms = history.at(place[0]) if added and contract in self._watched else None
        if isinstance(terms, Terms):
            self._of(contract, place).add(history.counted(terms), place[0], added, customer)

    def _of(self, contract: str, place: Place) -> RunningTotals:
        if contract not in self._totals:
            history = self._histories[contract]

            def load(counter: Counter, start: datetime, customer: str) -> Decimal:
                return self._load(contract, counter, start, place, customer)

            self._totals[contract] = RunningTotals(history.contract.timezone, history.anchor, load)
        return self._totals[contract]


class Ripples:
    """How far a decision that came out differently is felt: until the windows end in which it adds something else."""

    def __init__(self, histories: Iterable[TermsHistory]) -> None:
        self._histories = {history.contract.id: history for history in histories}
        self._moved: dict[str, dict[_Key, tuple[datetime, Decimal]]] = {}

    def note(
        self, contract: str, at: datetime, customer: str, was: Mapping[str, Decimal], now: Mapping[str, Decimal]
    ) -> None:
        """Note what a decision added before, and what it adds now."""
        moved = self._moved.setdefault(contract, {})
        for counter in self._histories[contract].counters:
            by = minus(now.get(counter.key, ZERO), was.get(counter.key, ZERO))
            if by:
                key, end = self._window(contract, counter, at, customer)
                by = plus(by, moved[key][1]) if key in moved else by
                moved[key] = (end, by)

    def reach(self, contract: str, at: datetime, customer: str, *, is_day: bool = False) -> bool:
        """Tell whether a counter that a conversion, or a day, depends on holds something else than when it was decided."""
        moved = self._moved.get(contract)
        if not moved:
            return False
        history = self._histories[contract]
        counters = history.delivery_counters if is_day else history.conversion_counters
        keys = (self._window(contract, counter, at, customer)[0] for counter in counters)
        return any(key in moved and moved[key][1] for key in keys)

    def open_after(self, at: datetime) -> dict[str, datetime]:
        """Return the contracts that are still felt after an instant, each with the end of the last such window."""
        found = {}
        for contract, moved in self._moved.items():
            ends = [end for end, by in moved.values() if by and end > at]
            if ends:
                found[contract] = max(ends)
        return found

    def _window(self, contract: str, counter: Counter, at: datetime, customer: str) -> tuple[_Key, datetime]:
        history = self._histories[contract]
        window = window_of(counter.window, at, history.contract.timezone, history.anchor)
        return (counter, window.start, customer if counter.per == "customer" else ""), window.end
