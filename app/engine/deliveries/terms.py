"""What a contract version says about deliveries, as values. How it is written and checked is the contracts room's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

from app.core.money import ZERO

Basis = Literal["delivered", "delivered_up_to_contracted", "contracted_plus_overage", "contracted"]
BASES: tuple[Basis, ...] = get_args(Basis)
WINDOWS = ("month", "quarter", "contract_year")


@dataclass(frozen=True, slots=True)
class Sources:
    """Whose count is the agreed one, whose it is held against, and whose counts once nobody waits any longer."""

    truth: str
    other: str | None = None
    tolerance: Decimal = ZERO
    fallback: str | None = None
    deadline_days: int | None = None


@dataclass(frozen=True, slots=True)
class Flight:
    """The local days from `since` up to, not including, `until`, in which so many impressions were contracted. Without
    placements it is of all of them."""

    id: str
    since: date
    until: date
    contracted: Decimal | None = None
    placements: frozenset[str] = frozenset()

    def covers(self, day: date, placement: str) -> bool:
        """Tell whether a placement's impressions of a day belong to it."""
        return self.is_on(day) and (not self.placements or placement in self.placements)

    def is_on(self, day: date) -> bool:
        """Tell whether it runs on a day."""
        return self.since <= day < self.until


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What is billed for deliveries in a window at least."""

    amount: Decimal
    window: Literal["month", "quarter", "contract_year"]


@dataclass(frozen=True, slots=True)
class DeliveryTerms:
    """How impressions are counted, reconciled and paid for. A contract that says nothing pays what was delivered."""

    basis: Basis = "delivered"
    contracted: Decimal | None = None
    overage_cpm: Decimal | None = None
    sources: Sources | None = None
    deducts_invalid: bool = False
    # The share of viewable impressions below which those that were not viewable are deducted; 1 deducts them always.
    viewable_share: Decimal | None = None
    guarantee: Guarantee | None = None
    flights: tuple[Flight, ...] = field(default_factory=tuple)

    @property
    def counts_to_a_number(self) -> bool:
        """Whether what is paid depends on how many of the contracted impressions were delivered before."""
        return self.basis in ("delivered_up_to_contracted", "contracted_plus_overage")

    def flight_of(self, day: date, placement: str) -> Flight | None:
        """Return the flight a placement's impressions of a day belong to. Without flights there is one, the contract's."""
        if not self.flights:
            return Flight("", date.min, date.max, self.contracted)
        return next((flight for flight in self.flights if flight.covers(day, placement)), None)


NOTHING_SAID = DeliveryTerms()


def delivery_terms(data: Mapping[str, Any] | None) -> DeliveryTerms:
    """Return the terms of their normal form, which was checked when it was written."""
    if data is None:
        return NOTHING_SAID
    deduct, guarantee, sources = data.get("deduct", {}), data.get("minimum_guarantee"), data.get("sources")
    contracted = _number(data.get("contracted"))
    share = deduct.get("not_viewable", False)
    return DeliveryTerms(
        basis=data["basis"],
        contracted=contracted,
        overage_cpm=_number(data.get("overage_cpm")),
        sources=None if sources is None else _sources(sources),
        deducts_invalid=deduct.get("invalid", False),
        viewable_share=None if share is False else Decimal(1) if share is True else Decimal(share),
        guarantee=None if guarantee is None else Guarantee(Decimal(guarantee["amount"]), guarantee["window"]),
        flights=tuple(_flight(flight, contracted) for flight in data.get("flights", ())),
    )


def _sources(data: Mapping[str, Any]) -> Sources:
    tolerance = Decimal(data.get("tolerance", "0"))
    return Sources(data["truth"], data.get("other"), tolerance, data.get("fallback"), data.get("deadline_days"))


def _flight(data: Mapping[str, Any], contracted: Decimal | None) -> Flight:
    own = _number(data.get("contracted"))
    return Flight(
        data["id"],
        date.fromisoformat(data["from"]),
        date.fromisoformat(data["to"]),
        contracted if own is None else own,
        frozenset(data.get("placements", ())),
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
