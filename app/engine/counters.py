"""What accumulates over a contract's conversions: tier counters and money under a limit, in canonical order.

Canonical order is (event_at, id). A conversion is counted when it is rated. How the totals are loaded is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from app.core.money import ZERO, plus
from app.core.period import Window, window_of
from app.engine.payout.volume_tables import VolumeTable, volume_tables
from app.rulelang.ast import Fallback, Limit, Payout, Per, Tiers, formulas_of

Measure = Literal["count", "sum", "amount", "paid", "booked", "entered"]


@dataclass(frozen=True, slots=True)
class Counter:
    """One running total of a contract, of all contracts of its partner, or of one customer under it.

    `count` is of counted conversions and `sum` of a fact over them: tiers run on these. `amount` is the money that was
    paid and `paid` the number of conversions that it was paid for: limits are on these, whichever rule or version paid.
    `booked` is the quantity that a volume table has paid for, and `entered` the share of its flat that it has paid.
    """

    measure: Measure
    window: Window
    fact: str | None = None
    per: Per = "contract"
    # The limit whose fallback does not count: what it pays is beyond the limit, not within it.
    limit: str = ""
    # The volume table whose bookings it holds.
    table: str = ""

    @property
    def name(self) -> str:
        """How records name it: "count/month", "sum:order_value/month", "amount/day/customer", "amount:cap/month"."""
        return f"{self.key}/{self.window}" + ("" if self.per == "contract" else f"/{self.per}")

    @property
    def key(self) -> str:
        """What a decision adds to it is kept under this name: the same whatever the window."""
        of = self.fact or self.limit or self.table
        return f"{self.measure}:{of}" if of else self.measure

    @property
    def is_of_limits(self) -> bool:
        """Whether a limit is on it. Such a counter never starts again with a new version."""
        return self.measure in ("amount", "paid")


Before: TypeAlias = Mapping[Counter, Decimal]
"""What each counter of the terms held before a conversion."""

Load: TypeAlias = Callable[[Counter, datetime, str], Decimal]
"""Returns what a counter held of the window that starts at an instant, before the first conversion that is decided; of
one customer where the counter is per customer, else the name is empty."""


def counters_of(payout: Payout) -> frozenset[Counter]:
    """Return the counters a payout needs beyond the event itself."""
    tables = [formula for formula in formulas_of(payout) if isinstance(formula, Tiers)]
    tiers = [counter for table in tables for counter in (counter_of(table), opening_counter(table))]
    limits = [limit_counter(limit) for limit in payout.limits]
    kept = [counter for table in volume_tables(payout) for counter in (booked(table), entered(table))]
    return frozenset(counter for counter in (*tiers, *limits, *kept) if counter is not None)


def counter_of(tiers: Tiers) -> Counter | None:
    """Return the counter a tier table runs on, or None when it looks at the event alone."""
    if tiers.window == "event":
        return None
    return Counter("sum" if tiers.by.fact else "count", tiers.window, tiers.by.fact)


def opening_counter(tiers: Tiers) -> Counter | None:
    """Return the counter that tells whether a window has begun, or None where the table has no need to know: only one
    that pays its first flat for nothing at all could pay that twice."""
    return Counter("count", tiers.window) if tiers.flat_at_zero and tiers.window != "event" else None


def booked(table: VolumeTable) -> Counter:
    """Return the counter of the quantity that a volume table has paid for."""
    return Counter("booked", table.tiers.window, table=table.name)


def entered(table: VolumeTable) -> Counter:
    """Return the counter of the share of its flat that a volume table has paid: that of the first conversion it paid."""
    return Counter("entered", table.tiers.window, table=table.name)


def limit_counter(limit: Limit) -> Counter | None:
    """Return the counter a limit is on, or None when it is on one event alone."""
    if limit.window == "event":
        return None
    excepted = limit.id if isinstance(limit.over, Fallback) else ""
    return Counter("amount" if limit.measure == "amount" else "paid", limit.window, per=limit.per, limit=excepted)


def added_to(counter: Counter, added: Mapping[str, Decimal]) -> Decimal:
    """Return what a decision adds to a counter: nothing to those of other terms, or of what it is no decision on. What is
    said of a limit by itself was paid by its fallback; all else that was paid counts."""
    if counter.key in added or not counter.limit:
        return added.get(counter.key, ZERO)
    return added.get(counter.measure, ZERO)


class RunningTotals:
    """The counters of one contract while its conversions are decided in canonical order."""

    def __init__(self, timezone: ZoneInfo, anchor: date, load: Load) -> None:
        self._timezone = timezone
        self._anchor = anchor
        self._load = load
        self._totals: dict[tuple[Counter, datetime, str], Decimal] = {}

    def before(
        self, since: Mapping[Counter, datetime], event_at: datetime, customer: str = ""
    ) -> dict[Counter, Decimal]:
        """Return each counter's total before an event; `since` says from when on each counter runs."""
        return {counter: self._total(self._key(counter, start, event_at, customer)) for counter, start in since.items()}

    def add(
        self,
        since: Mapping[Counter, datetime | tuple[datetime, ...]],
        event_at: datetime,
        added: Mapping[str, Decimal],
        customer: str = "",
    ) -> None:
        """Count a decision: `added` is what it adds by `Counter.key`; `since` says from when on each counter runs, or
        from which times on, where versions to come begin it anew or not."""
        for key in self._keys(since, event_at, customer):
            self._totals[key] = plus(self._total(key), added_to(key[0], added))

    def look_up(
        self, since: Mapping[Counter, datetime | tuple[datetime, ...]], event_at: datetime, customer: str = ""
    ) -> None:
        """Have the totals loaded that a decision would add to."""
        for key in self._keys(since, event_at, customer):
            self._total(key)

    def _keys(
        self, since: Mapping[Counter, datetime | tuple[datetime, ...]], event_at: datetime, customer: str
    ) -> list[tuple[Counter, datetime, str]]:
        """Return the totals that a decision adds to, each once, in order."""
        keys = [
            self._key(counter, start, event_at, customer)
            for counter, found in since.items()
            for start in (found if isinstance(found, tuple) else (found,))
        ]
        return list(dict.fromkeys(keys))

    def _key(
        self, counter: Counter, since: datetime, event_at: datetime, customer: str
    ) -> tuple[Counter, datetime, str]:
        start = window_of(counter.window, event_at, self._timezone, self._anchor).start
        # A limit is on what the contract pays in the window, whichever version paid it: it never restarts.
        start = start if counter.is_of_limits else max(start, since)
        return counter, start, customer if counter.per == "customer" else ""

    def _total(self, key: tuple[Counter, datetime, str]) -> Decimal:
        if key not in self._totals:
            self._totals[key] = self._load(*key)
        return self._totals[key]


def additions(
    counters: Iterable[Counter],
    facts: Mapping[str, object],
    paid: Decimal,
    *,
    is_paid: bool,
    beyond: Iterable[str] = (),
    booked: Mapping[str, Decimal] | None = None,
) -> dict[str, Decimal]:
    """Return what one rated conversion adds to counters by `Counter.key`: one, a fact (zero when absent), what was paid,
    or one if anything was; nothing under the limits that it is `beyond`, paid by their fallbacks; and what volume tables
    have `booked` of it."""
    found = {"amount": paid, "paid": Decimal(is_paid)}
    found |= {f"{measure}:{limit}": ZERO for limit in beyond for measure in ("amount", "paid")}
    for counter in counters:
        if counter.measure == "count":
            found[counter.key] = Decimal(1)
        elif counter.table:
            found[counter.key] = (booked or {}).get(counter.key, ZERO)
        elif counter.fact is not None:
            value = facts.get(counter.fact, 0)
            found[counter.key] = value if isinstance(value, Decimal) else Decimal(str(value))
    return found
