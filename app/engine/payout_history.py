"""The payouts of a contract through time, on conversions and on deliveries, and the counters that they run on. Which of them
is in force is in `terms.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Generic, TypeVar

from app.core.timeline import Dated, Span
from app.engine.counters import Counter, counters_of, limit_counter
from app.engine.deliveries.counting import counters_of_terms
from app.engine.deliveries.terms import DeliveryTerms
from app.rulelang.ast import Limit, Payout

V = TypeVar("V", bound=Dated)
EVER = datetime.min.replace(tzinfo=UTC)


def limits_together(own: tuple[Limit, ...], others: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Return the limits of one payout with those of the other that hold for both: on what the contract pays. A limit on one
    event or on one customer is on conversions alone."""
    shared = (each for each in others if each.measure == "amount" and each.per != "customer" and each.window != "event")
    return tuple(dict.fromkeys((*own, *shared)))


def counters_of_limits(limits: Iterable[Limit]) -> frozenset[Counter]:
    """Return the counters that limits are on."""
    return frozenset(counter for counter in map(limit_counter, limits) if counter is not None)


@dataclass(frozen=True)
class PayoutHistory(Generic[V]):
    """The payouts of each contract version in order, each with the time it is in force, and what the versions say about
    deliveries."""

    versions: Sequence[Sequence[tuple[Span[V], Payout]]]
    delivery_terms: Sequence[DeliveryTerms]

    @cached_property
    def counters(self) -> frozenset[Counter]:
        """Every counter any version needs."""
        return frozenset().union(self.delivery_counters, *(counters_of(body) for body in self._bodies))

    @cached_property
    def conversion_counters(self) -> frozenset[Counter]:
        """Every counter that conversions depend on under any version."""
        of_limits = frozenset(counter for counter in self.counters if counter.is_of_limits)
        return of_limits.union(*(counters_of(body) for body in self._on("conversion")))

    @cached_property
    def delivery_counters(self) -> frozenset[Counter]:
        """Every counter that deliveries depend on under any version; none without a payout on deliveries."""
        if not self.pays_deliveries:
            return frozenset()
        limits = (counters_of_limits(body.limits) for body in self._bodies)
        return self.counters_of_terms.union(*map(counters_of, self._on("delivery")), *limits)

    @cached_property
    def counters_of_terms(self) -> frozenset[Counter]:
        """The counters of flights and guarantees."""
        return frozenset[Counter]().union(*map(counters_of_terms, self.delivery_terms))

    @property
    def pays_deliveries(self) -> bool:
        """Whether any version has a payout on deliveries."""
        return bool(self._on("delivery"))

    def counters_since(self, payout: V, on: str, wanted: Iterable[Counter]) -> dict[Counter, datetime]:
        """Return since when each tier counter runs: it carries on from rule version to rule version while metric and
        window stay the same, also across contract versions, and restarts where a version did without it."""
        since: dict[Counter, datetime] = {}
        for spans in self.versions:
            of_subject = [(span, body) for span, body in spans if body.on == on]
            since = since if of_subject else {}
            for span, body in of_subject:
                since = {counter: since.get(counter, span.since) for counter in counters_of(body)}
                if span.version is payout:
                    return {counter: since.get(counter, EVER) for counter in wanted}
        raise AssertionError("a payout is in no timeline")

    def _on(self, subject: str) -> list[Payout]:
        return [body for body in self._bodies if body.on == subject]

    @cached_property
    def _bodies(self) -> list[Payout]:
        return [body for spans in self.versions for _, body in spans]
