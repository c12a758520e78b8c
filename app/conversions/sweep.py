"""What settling keeps in mind while it goes through conversions in canonical order: what the counters of contracts hold,
and where they hold something else than before. Pure but for the loading of counters, which it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from app.core.money import minus, plus
from app.core.period import window_of
from app.engine.counters import Before, Counter, RunningTotals, added_to
from app.engine.terms import Terms, TermsHistory

Place: TypeAlias = tuple[datetime, str, str]
"""The place of a conversion in canonical order: (event_at, id, program)."""

LoadCounter: TypeAlias = Callable[[Collection[str], Counter, datetime, Place, str], Decimal]
"""Returns what a counter of contracts held of the window that starts at an instant, before a place, of a customer."""

Accounts: TypeAlias = Mapping[str, frozenset[str]]
"""By contract, those whose money a limit per partner adds up, itself among them; none where there is no such limit."""

_Key = tuple[Counter, datetime, str]
_EVER = datetime.min.replace(tzinfo=UTC)


class Counting:
    """The counters of the contracts that are watched. All conversions of a watched contract pass by, in order."""

    def __init__(self, histories: Iterable[TermsHistory], accounts: Accounts, load: LoadCounter) -> None:
        self._histories = {history.contract.id: history for history in histories}
        self._accounts = accounts
        self._watched: frozenset[str] = frozenset()
        self._load = load
        self._totals: dict[str, RunningTotals] = {}

    def with_accounts(self, contracts: Iterable[str]) -> frozenset[str]:
        """Return those of the contracts whose conversions depend on each other, with all that share an account with
        one of them."""
        found = [contract for contract in contracts if self._histories[contract].counters or contract in self._accounts]
        return frozenset(found).union(*(self._accounts.get(contract, ()) for contract in found))

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
        """Count what a decision adds to the counters of a contract, if it is watched, and of its account."""
        for of, counters in self._counters(contract, place) if added else ():
            self._of(of, place).add(counters, place[0], added, customer)

    def add_day(self, contract: str, place: Place, added: Mapping[str, Decimal]) -> None:
        """Count what a decision on a day adds. It is of no customer, though an order may have one without a name."""
        for of, counters in self._counters(contract, place) if added else ():
            shared = {counter: since for counter, since in counters.items() if counter.per != "customer"}
            self._of(of, place).add(shared, place[0], added)

    def count_no_more(self, contract: str, place: Place, customer: str) -> None:
        """Note what the counters hold before a conversion that counted and does not any more: whoever asks for them first
        behind its place would be told what is still stored of it."""
        for of, counters in self._counters(contract, place):
            self._of(of, place).look_up(counters, place[0], customer)

    def _counters(self, contract: str, place: Place) -> Iterator[tuple[str, Mapping[Counter, tuple[datetime, ...]]]]:
        """Yield the counters that a conversion under a contract counts for, if it is watched, by contract: its own, and
        those per partner of its account."""
        history = self._histories[contract]
        terms = history.at(place[0]) if contract in self._watched else None
        if isinstance(terms, Terms):
            own = {counter: since for counter, since in history.counted(terms).items() if counter.per != "partner"}
            yield contract, own
            for other in self._accounts.get(contract, ()):
                yield other, dict.fromkeys(per_partner(self._histories[other]), (_EVER,))

    def _of(self, contract: str, place: Place) -> RunningTotals:
        if contract not in self._totals:
            history = self._histories[contract]

            def load(counter: Counter, start: datetime, customer: str) -> Decimal:
                shared = counter.per == "partner" and self._accounts.get(contract)
                return self._load(shared or (contract,), counter, start, place, customer)

            self._totals[contract] = RunningTotals(history.contract.timezone, history.anchor, load)
        return self._totals[contract]


class Ripples:
    """How far a decision that came out differently is felt: until the windows end in which it adds something else."""

    def __init__(self, histories: Iterable[TermsHistory], accounts: Accounts) -> None:
        self._histories = {history.contract.id: history for history in histories}
        self._accounts = accounts
        self._moved: dict[str, dict[_Key, tuple[datetime, Decimal]]] = {}

    def note(
        self, contract: str, at: datetime, customer: str, was: Mapping[str, Decimal], now: Mapping[str, Decimal]
    ) -> None:
        """Note what a decision added before, and what it adds now, to its contract's counters and to its account's."""
        of_account = self._accounts.get(contract, frozenset())
        own = [counter for counter in self._histories[contract].counters if counter.per != "partner"]
        moved = [(contract, counter) for counter in own]
        moved += [(other, counter) for other in of_account for counter in per_partner(self._histories[other])]
        for of, counter in moved:
            by = minus(added_to(counter, now), added_to(counter, was))
            if by:
                self._note(of, counter, at, customer, by)

    def _note(self, contract: str, counter: Counter, at: datetime, customer: str, by: Decimal) -> None:
        moved = self._moved.setdefault(contract, {})
        key, end = self._window(contract, counter, at, customer)
        moved[key] = (end, plus(by, moved[key][1]) if key in moved else by)

    def reach(self, contract: str, at: datetime, customer: str, *, is_day: bool = False) -> bool:
        """Tell whether a counter that a conversion, or a day, depends on holds something else than when it was decided."""
        moved = self._moved.get(contract)
        if not moved:
            return False
        payouts = self._histories[contract].payouts
        counters = payouts.delivery_counters if is_day else payouts.conversion_counters
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


def per_partner(history: TermsHistory) -> list[Counter]:
    """Return the counters of a contract that are on all contracts of its partner."""
    return [counter for counter in history.counters if counter.per == "partner"]
