"""A decision: what the rules say of one conversion for one contract, as a value and as the record that is hashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from app.core.canonical import record_hash
from app.core.instants import write_instant
from app.core.money import canonical, total
from app.core.rounding import shown

if TYPE_CHECKING:
    from app.engine.counters import Counter
    from app.engine.settlement import FxDate

Outcome = Literal["rated", "ineligible", "held", "unattributed", "no_contract"]


ADJUSTMENT = "adjustment"
"""The part of a line that says what reaching a volume step changes on earlier ones."""

RECORD_KEYS = (
    "conversion",
    "contract",
    "contract_version",
    "rule_versions",
    "event_at",
    "outcome",
    "amount",
    "currency",
    "fx",
    "reasons",
    "credit",
    "lines",
    "inputs_hash",
)
"""The keys of a decision's record, in the order in which people read it. A database need not keep it. What does not
apply is left out: `fx` where no money was converted."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an outcome is what it is: a code, the rule that said so, and the comparison that decided, when it is one."""

    code: str
    rule: str | None = None
    fact: str | None = None
    expected: str | None = None
    actual: str | None = None

    def as_dict(self) -> dict[str, str]:
        named = (("code", self.code), ("rule", self.rule), ("fact", self.fact))
        compared = (("expected", self.expected), ("actual", self.actual))
        return {name: value for name, value in (*named, *compared) if value is not None}


@dataclass(frozen=True, slots=True)
class Fx:
    """At which rate an order's money was converted into the contract's currency, of which day, and who says so; without a
    rate, for which one it waits. What is agreed in the contract is of no day."""

    source: str
    target: str
    policy: FxDate
    day: date | None
    rate: Decimal | None
    said_by: str | None = None

    def as_dict(self) -> dict[str, str]:
        named = {
            "from": self.source,
            "to": self.target,
            "rate": None if self.rate is None else canonical(self.rate),
            "date": None if self.day is None else self.day.isoformat(),
            "policy": self.policy,
            "source": self.said_by,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Line:
    """One amount of a decision: by which rule and formula, precise, and rounded and limited as it is paid.

    A rule pays one line; `part` names what comes besides: "adjustment" is what it changes on earlier ones, and
    "reversal:ID" what came back of it after the lock.
    """

    rule: str
    formula: str
    amount_precise: Decimal
    amount: Decimal
    currency: str
    # Which of a rule's lines it is: its own has no name.
    part: str = ""
    # The rate that the money it was calculated from was converted at.
    fx: Fx | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            **({"part": self.part} if self.part else {}),
            "formula": self.formula,
            "amount_precise": canonical(self.amount_precise),
            "amount": shown(self.amount, self.currency),
            "currency": self.currency,
            **({} if self.fx is None else {"fx": self.fx.as_dict()}),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say. The digest covers everything in it: same inputs, same digest."""

    conversion: str
    contract: str | None
    contract_version: int | None
    rule_versions: dict[str, dict[str, Any]]
    event_at: datetime
    outcome: Outcome
    reasons: tuple[Reason, ...]
    credit: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    currency: str
    inputs_hash: str
    # What it was decided from and with besides; the hash of its inputs covers it.
    before: Mapping[Counter, Decimal] = field(default_factory=dict)
    # What it adds to the counters of its contract, by `Counter.key`: nothing unless it is rated.
    adds: Mapping[str, Decimal] = field(default_factory=dict)
    # What the order's money was converted at, or for which rate it waits, where it is in another currency.
    fx: Fx | None = None
    # What its terms agree about when it may be paid and when it is final; follows from them and the event.
    held_until: datetime | None = None
    locks_at: datetime | None = None

    @property
    def amount(self) -> Decimal:
        """The sum of the rounded lines."""
        return total(line.amount for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as JSON data, without id, as_of and digest, which are about it and not in it."""
        return {
            "conversion": self.conversion,
            "contract": self.contract,
            "contract_version": self.contract_version,
            "rule_versions": self.rule_versions,
            "event_at": write_instant(self.event_at),
            "outcome": self.outcome,
            "amount": shown(self.amount, self.currency),
            "currency": self.currency,
            **({} if self.fx is None else {"fx": self.fx.as_dict()}),
            "reasons": [reason.as_dict() for reason in self.reasons],
            "credit": [{"partner": partner, "share": share} for partner, share in self.credit],
            "lines": [line.as_dict() for line in self.lines],
            "inputs_hash": self.inputs_hash,
        }


def record_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as it was hashed, in the order in which people read it, from one that may hold more."""
    return {key: stored[key] for key in RECORD_KEYS if key in stored}


def digest_of(record: dict[str, Any]) -> str:
    """Return the digest of a decision's record (`Decision.as_dict()`)."""
    return record_hash(record)
