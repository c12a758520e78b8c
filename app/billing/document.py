"""A statement as a whole, with everything that its forms say of it. How each form is written is in `formats`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from app.billing.balance import StatementBalance
from app.core.money import total


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line of a statement with what explains it: when it was posted, and the terms and the rules it was decided by."""

    id: str
    posting: str
    accounting_period: str
    posted_at: datetime
    conversion: str | None
    order: str | None
    delivered_on: date | None
    event_at: datetime
    local_date: date
    rule: str
    part: str
    formula: str
    amount_precise: Decimal
    amount: Decimal
    corrects: str | None
    decision: str
    contract_version: int | None
    rule_version: str | None

    @property
    def kind(self) -> str:
        """What it is, as the journal says it."""
        if self.part.startswith("reversal:"):
            return "reversal"
        return "payable" if self.corrects is None else "correction"

    @property
    def subject(self) -> str:
        """The conversion, or the day, that it is for."""
        return self.conversion if self.conversion is not None else f"{self.delivered_on}"


@dataclass(frozen=True)
class Document:
    """A statement, its parties, its balance and all of its lines in the order they were posted."""

    contract: str
    program: str
    program_name: str
    partner: str
    partner_name: str
    direction: str
    period: str
    currency: str
    timezone: str
    balance: StatementBalance
    lines: Sequence[DocumentLine]

    @property
    def statement(self) -> str:
        """The id of the statement, which names its file as well."""
        return f"{self.contract}/{self.period}"

    @cached_property
    def total(self) -> Decimal:
        """The sum of its rounded lines."""
        return total(line.amount for line in self.lines)

    @cached_property
    def by_id(self) -> Mapping[str, DocumentLine]:
        """Its lines by id: what a correction corrects is one of them."""
        return {line.id: line for line in self.lines}

    @property
    def by_rule(self) -> Mapping[str, Sequence[DocumentLine]]:
        """Its lines by rule, in order of the rules' names."""
        found: dict[str, list[DocumentLine]] = {}
        for line in self.lines:
            found.setdefault(line.rule, []).append(line)
        return dict(sorted(found.items()))

    @property
    def posted_at(self) -> datetime | None:
        """When it was posted to last."""
        return max((line.posted_at for line in self.lines), default=None)
