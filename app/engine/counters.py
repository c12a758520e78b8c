"""What accumulates over a contract's conversions: tier counters and money under a limit, in canonical order.

Canonical order is (event_at, id). A conversion is counted when it is rated. How the totals are loaded is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from app.core.money import plus
from app.core.period import month_of
from app.rulelang.ast import Payout, Tiers, Window, formulas_of


@dataclass(frozen=True, slots=True)
class Counter:
    """One running total of a contract: of counted conversions, of a fact over them, or of the amounts they were paid."""

    measure: Literal["count", "sum", "amount"]
    window: Window
    fact: str | None = None

    @property
    def name(self) -> str:
        """How records name it: "count/month", "sum:order_value/month", "amount/month"."""
        return f"{self.measure}:{self.fact}/{self.window}" if self.fact else f"{self.measure}/{self.window}"


Before: TypeAlias = Mapping[Counter, Decimal]
"""What each counter of the terms held before a conversion."""

Load: TypeAlias = Callable[[Counter, datetime], Decimal]
"""Returns what a counter held of the window that starts at an instant, before the first conversion that is decided."""


def counters_of(payout: Payout) -> frozenset[Counter]:
    """Return the counters a payout needs beyond the event itself."""
    tiers = [formula for formula in formulas_of(payout) if isinstance(formula, Tiers) and formula.window != "event"]
    by_tiers = {Counter("sum" if t.by.fact else "count", t.window, t.by.fact) for t in tiers}
    by_limits = {Counter(limit.measure, limit.window) for limit in payout.limits}
    return frozenset(by_tiers | by_limits)


def counter_of(tiers: Tiers) -> Counter | None:
    """Return the counter a tier table runs on, or None when it looks at the event alone."""
    if tiers.window == "event":
        return None
    return Counter("sum" if tiers.by.fact else "count", tiers.window, tiers.by.fact)


class RunningTotals:
    """The counters of one contract while its conversions are decided in canonical order."""

    def __init__(self, timezone: ZoneInfo, load: Load) -> None:
        self._timezone = timezone
        self._load = load
        self._totals: dict[tuple[Counter, datetime], Decimal] = {}

    def before(self, since: Mapping[Counter, datetime], event_at: datetime) -> dict[Counter, Decimal]:
        """Return each counter's total before an event; `since` says from when on each counter runs."""
        return {counter: self._total(self._key(counter, start, event_at)) for counter, start in since.items()}

    def add(self, since: Mapping[Counter, datetime], event_at: datetime, increments: Mapping[Counter, Decimal]) -> None:
        """Count a rated conversion."""
        for counter, start in since.items():
            key = self._key(counter, start, event_at)
            self._totals[key] = plus(self._total(key), increments[counter])

    def _key(self, counter: Counter, since: datetime, event_at: datetime) -> tuple[Counter, datetime]:
        # A limit is on what the contract pays in the window, whichever version paid it: it never restarts.
        start = month_of(event_at, self._timezone).start
        return counter, start if counter.measure == "amount" else max(start, since)

    def _total(self, key: tuple[Counter, datetime]) -> Decimal:
        if key not in self._totals:
            self._totals[key] = self._load(*key)
        return self._totals[key]


def increment(counter: Counter, facts: Mapping[str, object], paid: Decimal) -> Decimal:
    """Return what one rated conversion adds to a counter: one, its fact (zero when absent), or what it was paid."""
    if counter.measure == "count":
        return Decimal(1)
    if counter.measure == "amount":
        return paid
    value = facts.get(counter.fact or "", 0)
    return value if isinstance(value, Decimal) else Decimal(str(value))
