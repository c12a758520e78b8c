"""What was counted of one day: by whom, in which revision; and what was agreed afterwards to put something right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from app.core.money import ZERO
from app.engine.matcher import Facts
from app.rulelang.ast import Value

IMPRESSIONS, VIEWABLE, INVALID = "delivery.impressions", "delivery.viewable", "delivery.invalid"
PLACEMENT, BILLABLE = "delivery.placement", "delivery.billable"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one source counted of one placement on one day, in one revision; facts by their names in the catalogue."""

    placement: str
    source: str
    revision: int
    facts: Mapping[str, Value]

    @property
    def impressions(self) -> Decimal:
        """How many there were, before anything is deducted."""
        return number(self.facts, IMPRESSIONS)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What puts right what went wrong on an earlier day: impressions that make good for others, at a price of their own
    or at none, or money back."""

    id: str
    kind: Literal["make_good", "credit"]
    placement: str | None = None
    impressions: Decimal = ZERO
    cpm: Decimal = ZERO
    amount: Decimal = ZERO


def latest(delivered: Iterable[Delivered]) -> list[Delivered]:
    """Return the highest revision of each placement and source, in order of the two. It replaces the lower ones."""
    found: dict[tuple[str, str], Delivered] = {}
    for one in delivered:
        known = found.get((one.placement, one.source))
        if known is None or one.revision > known.revision:
            found[one.placement, one.source] = one
    return [found[key] for key in sorted(found)]


def number(facts: Facts, name: str) -> Decimal:
    """Return a fact that is a number; zero where it is absent."""
    value = facts.get(name, 0)
    return value if isinstance(value, Decimal) else Decimal(str(value))
