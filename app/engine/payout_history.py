"""The payouts of a contract through time, on conversions and on deliveries, and the counters that they run on. Which of them
is in force is in `terms.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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


@dataclass(frozen=True, slots=True)
class _Run(Generic[V]):
    """A payout rule version, its start, and since when each of its counters runs."""

    version: V
    start: datetime
    since: dict[Counter, datetime]


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
        window stay the same, also across contract versions, and restarts where a version did without it. A version that
        says `carry` goes on with what was last counted of the same metric, and one that says `restart` with nothing."""
        since = next(run.since for run in self._runs[on] if run.version is payout)
        return {counter: since.get(counter, EVER) for counter in wanted}

    def counted(self, payout: V, on: str, counters: Iterable[Counter]) -> dict[Counter, tuple[datetime, ...]]:
        """Return what is added to where these counters of a payout are, and from when on each runs: they themselves, and
        those of other versions that go on with what they measure."""
        found: dict[Counter, tuple[datetime, ...]] = {}
        for counter in counters:
            for other, since in self._by_key[on].get(counter.key, ()):
                if since <= self._start(payout, on) and not other.is_of_limits:
                    found[other] = (*(each for each in found.get(other, ()) if each != since), since)
        return found

    def _start(self, payout: V, on: str) -> datetime:
        return next(run.start for run in self._runs[on] if run.version is payout)

    @cached_property
    def _runs(self) -> dict[str, list[_Run[V]]]:
        return {on: list(self._runs_on(on)) for on in ("conversion", "delivery")}

    def _runs_on(self, on: str) -> Iterator[_Run[V]]:
        since: dict[Counter, datetime] = {}
        last: dict[str, datetime] = {}
        for spans in self.versions:
            of_subject = [(span, body) for span, body in spans if body.on == on]
            since = since if of_subject or not spans else {}
            for span, body in of_subject:
                since = _carried(body, since, last, span.since)
                last |= _begun(since)
                yield _Run(span.version, span.since, since)

    @cached_property
    def _by_key(self) -> dict[str, dict[str, set[tuple[Counter, datetime]]]]:
        """By subject and what is measured, every counter of it and since when it runs in some version."""
        found: dict[str, dict[str, set[tuple[Counter, datetime]]]] = {}
        for on, runs in self._runs.items():
            of_subject = found.setdefault(on, {})
            for run in runs:
                for counter, start in run.since.items():
                    of_subject.setdefault(counter.key, set()).add((counter, start))
        return found

    def _on(self, subject: str) -> list[Payout]:
        return [body for body in self._bodies if body.on == subject]

    @cached_property
    def _bodies(self) -> list[Payout]:
        return [body for spans in self.versions for _, body in spans]


def _carried(
    body: Payout, since: dict[Counter, datetime], last: dict[str, datetime], start: datetime
) -> dict[Counter, datetime]:
    """Return since when the counters of a version run, given those of the version before and when each metric was last
    begun."""
    found = {}
    for counter in counters_of(body):
        if counter.is_of_limits or body.counters != "restart":
            anew = last.get(counter.key, start) if body.counters == "carry" else start
            found[counter] = since.get(counter, anew)
        else:
            found[counter] = start
    return found


def _begun(since: dict[Counter, datetime]) -> dict[str, datetime]:
    """Return when each metric was begun: over several windows, the first time."""
    begun: dict[str, datetime] = {}
    for counter, start in since.items():
        begun[counter.key] = min(start, begun.get(counter.key, start))
    return begun
