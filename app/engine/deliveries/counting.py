"""The counters that deliveries run on besides those of their rules: how much of a flight was delivered, and what was billed
in the window of a guarantee."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from app.core.money import ZERO
from app.engine.counters import Counter
from app.engine.deliveries.terms import DeliveryTerms, Flight

# No fact has such a name, so no tier table sums one of these.
BILLED, FLIGHT = "delivery:billed", "flight:"


def flight_counter(flight: Flight) -> Counter:
    """Return the counter of what was delivered of a flight. It carries on from version to version by the flight's id."""
    return Counter("sum", "contract", FLIGHT + flight.id)


def guarantee_counter(terms: DeliveryTerms) -> Counter | None:
    """Return the counter of what was billed in the window of a guarantee, or None without one."""
    return None if terms.guarantee is None else Counter("sum", terms.guarantee.window, BILLED)


def is_of_flight(counter: Counter) -> bool:
    """Tell whether a counter is that of a flight."""
    return counter.fact is not None and counter.fact.startswith(FLIGHT)


def counters_of_terms(terms: DeliveryTerms, day: date | None = None) -> frozenset[Counter]:
    """Return the counters that delivery terms need, of a day those of the flights that it lies in."""
    found = [guarantee_counter(terms)]
    if terms.counts_to_a_number:
        flights = terms.flights or (Flight("", date.min, date.max),)
        found += [flight_counter(flight) for flight in flights if day is None or flight.is_on(day)]
    return frozenset(counter for counter in found if counter is not None)


def day_additions(
    counters: Iterable[Counter],
    sums: Mapping[str, Decimal],
    paid: Decimal,
    billed: Decimal,
    beyond: Iterable[str] = (),
) -> dict[str, Decimal]:
    """Return what a rated day adds to counters by `Counter.key`: nothing under the limits that it is `beyond`, paid by
    their fallbacks. It is no conversion, so it adds nothing to counts."""
    found = {"amount": paid, f"sum:{BILLED}": billed} | {f"amount:{limit}": ZERO for limit in beyond}
    for counter in counters:
        if counter.measure == "sum" and counter.fact is not None and counter.fact != BILLED:
            found[counter.key] = sums.get(counter.fact, ZERO)
    return found
