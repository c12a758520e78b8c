"""A decision on deliveries: what a contract's impressions of one local day come to, as a value and as the record that is
hashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.core.instants import write_instant
from app.core.money import canonical, total
from app.core.rounding import shown
from app.engine.counters import Counter
from app.engine.decision import Line, Outcome, Reason
from app.engine.deliveries.counted import Delivered

DAY_RECORD_KEYS = (
    "delivered_on",
    "contract",
    "contract_version",
    "rule_versions",
    "event_at",
    "outcome",
    "amount",
    "currency",
    "reasons",
    "lines",
    "placements",
    "deliveries",
    "adjustments",
    "past_deadline",
    "ends_window",
    "inputs_hash",
)
"""The keys of the record of a decision on deliveries, in the order in which people read it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one placement: whose count was agreed, how many were left after deductions, how many of these are
    paid for at which rules, and how many at the rate for overage."""

    placement: str
    source: str | None
    impressions: Decimal
    valid: Decimal
    billable: Decimal
    overage: Decimal
    flight: str
    rules: tuple[str, ...]
    flag: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "placement": self.placement,
            **({} if self.source is None else {"source": self.source}),
            "impressions": canonical(self.impressions),
            "valid": canonical(self.valid),
            "billable": canonical(self.billable),
            **({"overage": canonical(self.overage)} if self.overage else {}),
            **({"flight": self.flight} if self.flight else {}),
            "rules": list(self.rules),
            **({"flag": self.flag} if self.flag else {}),
        }


@dataclass(frozen=True, slots=True)
class DayDecision:
    """What the rules say of a contract's deliveries of one day. The digest covers everything in its record."""

    delivered_on: date
    event_at: datetime
    contract: str
    contract_version: int | None
    rule_versions: dict[str, dict[str, Any]]
    outcome: Outcome
    reasons: tuple[Reason, ...]
    lines: tuple[Line, ...]
    currency: str
    inputs_hash: str
    placements: tuple[Placed, ...] = ()
    # What it was decided from: these revisions, and these adjustments.
    deliveries: tuple[Delivered, ...] = ()
    adjustments: tuple[str, ...] = ()
    past_deadline: bool = False
    ends_window: bool = False
    before: Mapping[Counter, Decimal] = field(default_factory=dict)
    # What it adds to the counters of its contract, by `Counter.key`: nothing unless it is rated.
    adds: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        """The sum of the rounded lines."""
        return total(line.amount for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as JSON data, without what is about it and not in it."""
        return {
            "delivered_on": self.delivered_on.isoformat(),
            "contract": self.contract,
            "contract_version": self.contract_version,
            "rule_versions": self.rule_versions,
            "event_at": write_instant(self.event_at),
            "outcome": self.outcome,
            "amount": shown(self.amount, self.currency),
            "currency": self.currency,
            "reasons": [reason.as_dict() for reason in self.reasons],
            "lines": [line.as_dict() for line in self.lines],
            "placements": [placed.as_dict() for placed in self.placements],
            "deliveries": [
                {"placement": one.placement, "source": one.source, "revision": one.revision} for one in self.deliveries
            ],
            "adjustments": list(self.adjustments),
            "past_deadline": self.past_deadline,
            "ends_window": self.ends_window,
            "inputs_hash": self.inputs_hash,
        }
