"""The journal: for each line and each accrual that was posted, two legs that balance. Pure; its query is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.core.instants import write_instant
from app.core.money import ZERO, minus, plus
from app.core.rounding import shown


@dataclass(frozen=True, slots=True)
class Leg:
    """What an entry books on an account: a debit or a credit."""

    account: str
    debit: Decimal
    credit: Decimal

    @property
    def amount(self) -> Decimal:
        """The debit, or the credit below zero."""
        return minus(self.debit, self.credit)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line or an accrual as it is booked, with everything it comes from. `place` is where it stands in the journal."""

    place: tuple[int, int, int]
    line: str
    kind: str
    program: str
    partner: str
    contract: str
    contract_version: int | None
    rule_version: str | None
    rule: str
    part: str
    decision: str
    conversion: str | None
    delivered_on: date | None
    event_at: datetime
    corrects: str | None
    statement: str
    service_period: str
    accounting_period: str
    posting: str
    posted_at: datetime
    currency: str
    legs: tuple[Leg, ...]

    @property
    def subject(self) -> str:
        """The conversion, or the day, that it is for."""
        return self.conversion if self.conversion is not None else f"{self.delivered_on}"


def trial_balance(entries: Iterable[Entry]) -> dict[tuple[str, str, str], Decimal]:
    """Return what is on each account, by account, contract and currency: debits less credits."""
    sums: dict[tuple[str, str, str], Decimal] = {}
    for entry in entries:
        for leg in entry.legs:
            key = (leg.account, entry.contract, entry.currency)
            sums[key] = plus(sums.get(key, ZERO), leg.amount)
    return sums


def entry_data(entry: Entry) -> dict[str, Any]:
    """Return an entry as data for programs."""
    return {
        "place": ".".join(str(number) for number in entry.place),
        "line": entry.line,
        "kind": entry.kind,
        "statement": entry.statement,
        "service_period": entry.service_period,
        "accounting_period": entry.accounting_period,
        "posting": entry.posting,
        "posted_at": write_instant(entry.posted_at),
        "program": entry.program,
        "partner": entry.partner,
        "contract": entry.contract,
        "contract_version": entry.contract_version,
        "rule_version": entry.rule_version,
        "rule": entry.rule,
        **({"part": entry.part} if entry.part else {}),
        "decision": entry.decision,
        "conversion": entry.conversion,
        **({} if entry.delivered_on is None else {"delivered_on": entry.delivered_on.isoformat()}),
        "event_at": write_instant(entry.event_at),
        "corrects": entry.corrects,
        "currency": entry.currency,
        "legs": [
            {
                "account": leg.account,
                "debit": shown(leg.debit, entry.currency),
                "credit": shown(leg.credit, entry.currency),
            }
            for leg in entry.legs
        ],
    }
