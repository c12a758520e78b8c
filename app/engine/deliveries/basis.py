"""How many impressions are paid for: what is left after deductions, as far as the contract's basis goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from app.core.money import ZERO, minus
from app.engine.decision import Reason
from app.engine.deliveries.counted import IMPRESSIONS, INVALID, VIEWABLE, number
from app.engine.deliveries.terms import DeliveryTerms, Flight
from app.engine.matcher import Facts


@dataclass(frozen=True, slots=True)
class Share:
    """What of a quantity is paid at the rules, and what at the rate for overage. What is neither is not paid."""

    at_rules: Decimal
    overage: Decimal = ZERO


def after_deductions(facts: Facts, terms: DeliveryTerms, placement: str) -> Decimal | Reason:
    """Return what is left of the impressions, or which count is missing to know it."""
    wanted = ((terms.deducts_invalid, INVALID), (terms.viewable_share is not None, VIEWABLE))
    for is_wanted, name in wanted:
        if is_wanted and name not in facts:
            return Reason("MISSING_FACT", None, name, placement=placement)
    left = number(facts, IMPRESSIONS)
    if terms.deducts_invalid:
        left = max(minus(left, number(facts, INVALID)), ZERO)
    if terms.viewable_share is not None:
        viewable = min(number(facts, VIEWABLE), left)
        if Fraction(viewable) < Fraction(terms.viewable_share) * Fraction(left):
            left = viewable
    return left


def share_of(quantity: Decimal, before: Decimal, terms: DeliveryTerms, flight: Flight) -> Share:
    """Return what is paid of a quantity, of whose flight `before` were delivered earlier."""
    if not terms.counts_to_a_number or flight.contracted is None:
        return Share(quantity)
    room = max(minus(flight.contracted, before), ZERO)
    at_rules = min(quantity, room)
    return Share(at_rules, minus(quantity, at_rules) if terms.basis == "contracted_plus_overage" else ZERO)


def contracted_on(flight: Flight, day: date) -> Decimal:
    """Return a flight's contracted impressions of one of its days: whole ones, evenly, summing to all of them.

    >>> flight = Flight("f", date(2019, 11, 1), date(2019, 11, 4), Decimal(10))
    >>> [int(contracted_on(flight, date(2019, 11, each))) for each in (1, 2, 3)]
    [3, 3, 4]
    """
    days, number_of = (flight.until - flight.since).days, (day - flight.since).days
    contracted = int(flight.contracted or 0)
    return Decimal(contracted * (number_of + 1) // days - contracted * number_of // days)
