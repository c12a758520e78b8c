"""Settling deliveries: a contract's local day, decided in the same sweep as conversions, at the instant at which it begins.

Its place in canonical order is (start of the local day, mark and contract), ahead of conversions of that instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.conversions.book import ContractBook
from app.conversions.day_repository import (
    MARK,
    PendingDay,
    decided_days,
    due_days_of,
    pending_days,
    take_days_off,
)
from app.conversions.repository import Key
from app.core.ids import derived_id
from app.core.instants import start_of_day
from app.core.money import canonical
from app.engine.decision import digest_of
from app.engine.deliveries.calendar import (
    due_days,
    ends_at,
    ends_window,
    is_due_on,
    is_over,
    next_due,
    terms_on,
    waits_until,
)
from app.engine.deliveries.counted import Adjustment, Delivered
from app.engine.deliveries.day import DayCase
from app.engine.deliveries.decision import DayDecision
from app.engine.evaluate import before_record
from app.engine.factsheet import typed_facts
from app.engine.terms import TermsHistory
from app.rulelang.facts import Catalogue
from app.runtime import Context
from app.store import models
from app.store.rows import json_text
from app.store.work_list import unsettle_day


class Days:
    """The days of deliveries that a sweep decides."""

    def __init__(self, ctx: Context, book: ContractBook) -> None:
        self.ctx = ctx
        self.book = book
        self.histories = {history.contract.id: history for history in book.histories.values()}
        self._unsettled: set[tuple[str, date]] = set()
        self._contracts: list[str] = []

    def due(self) -> list[Key]:
        """Return the places of all days that are to be decided now: those on the work list, and those on which something
        is due by itself since."""
        listed = due_days_of(self.ctx.session, self.book.program.id, self.ctx.now())
        self._contracts = list(listed)
        for contract, days in listed.items():
            history = self.histories[contract]
            today = self.ctx.now().astimezone(history.contract.timezone).date()
            known = decided_days(self.ctx.session, contract, days[0])
            self._unsettled |= {(contract, day) for day in days}
            self._unsettled |= {(contract, day) for day in due_days(history, days[0], today) if day not in known}
        return sorted(self.key(contract, day) for contract, day in self._unsettled)

    def key(self, contract: str, day: date) -> Key:
        """Return the place of a contract's day in canonical order."""
        return start_of_day(day, self.histories[contract].contract.timezone), MARK + contract

    def pending(self, keys: Iterable[Key]) -> list[PendingDay]:
        """Return the days at these places, in order, with everything known of them."""
        wanted = []
        for at, name in sorted(keys):
            contract = name.removeprefix(MARK)
            wanted.append((contract, at.astimezone(self.histories[contract].contract.timezone).date(), at))
        return pending_days(self.ctx.session, wanted, frozenset(self._unsettled))

    def is_nothing(self, one: PendingDay) -> bool:
        """Tell whether a day has nothing that could be decided: nobody delivered, and nothing is due."""
        history = self.histories[one.contract]
        today = self.ctx.now().astimezone(history.contract.timezone).date()
        return one.is_empty and (one.delivered_on >= today or not is_due_on(history, one.delivered_on))

    def case_of(self, one: PendingDay) -> DayCase:
        """Return the case of a day as the clock has it now."""
        history, day, now = self.histories[one.contract], one.delivered_on, self.ctx.now()
        deadline = waits_until(history, day)
        is_past = deadline is not None and now >= deadline
        ends = ends_window(history, day) and is_over(history, day, now)
        return day_case(history, one, self.book.catalogue, past_deadline=is_past, ends_window=ends)

    def row(self, one: PendingDay, decision: DayDecision, record: dict[str, Any], now: datetime) -> tuple[Any, ...]:
        """Return a decision as a row, in the order of `repository.DECISION_COLUMNS`."""
        history, revision = self.histories[one.contract], one.revision + 1
        return (
            derived_id("dec", self.book.program.id, one.contract, "deliveries", str(one.delivered_on), str(revision)),
            self.book.program.id,
            None,
            one.delivered_on,
            history.contract.partner,
            revision,
            one.contract,
            decision.contract_version,
            decision.event_at,
            decision.outcome,
            decision.amount,
            decision.currency,
            None,
            json_text(before_record(decision.before)),
            json_text({key: canonical(value) for key, value in decision.adds.items()}),
            json_text(record),
            digest_of(record),
            now,
        )

    def settled(self, days: Sequence[PendingDay], decisions: Sequence[DayDecision]) -> None:
        """Note that days have the decision they should have, until their deadline if they wait for it."""
        self.take_off(days)
        for one, decision in zip(days, decisions, strict=True):
            deadline = waits_until(self.histories[one.contract], one.delivered_on)
            waits = any(reason.code in ("SOURCES_DISAGREE", "SOURCE_MISSING") for reason in decision.reasons)
            if waits and deadline is not None and deadline > self.ctx.now():
                self._put(one.contract, one.delivered_on, deadline)

    def take_off(self, days: Iterable[PendingDay]) -> None:
        """Take days off the work list; what is due later stays on it."""
        listed = [(one.contract, one.delivered_on) for one in days if one.is_unsettled]
        take_days_off(self.ctx.session, listed)

    def plan(self) -> None:
        """Put the next day on which something is due by itself on the work list."""
        for contract in self._contracts:
            history = self.histories[contract]
            today = self.ctx.now().astimezone(history.contract.timezone).date()
            day = next_due(history, today)
            if day is not None:
                self._put(contract, day, ends_at(history, day))

    def _put(self, contract: str, day: date, due_at: datetime) -> None:
        unsettle_day(self.ctx.session, self.book.program.id, contract, day, due_at)


def day_case(
    history: TermsHistory, one: PendingDay, catalogue: Catalogue, *, past_deadline: bool, ends_window: bool
) -> DayCase:
    """Return the case of a day with the terms that govern it."""
    return DayCase(
        history.contract,
        one.delivered_on,
        one.event_at,
        terms_on(history, one.delivered_on),
        delivered(one.deliveries, catalogue),
        adjusted(one.adjustments),
        past_deadline,
        ends_window,
    )


def delivered(rows: Iterable[models.Delivery], catalogue: Catalogue) -> list[Delivered]:
    """Return counts the engine can decide on. Their facts were checked when they came in."""
    found = []
    for row in rows:
        facts, findings = typed_facts(row.facts, catalogue, "/facts", "delivery")
        assert not findings, findings
        found.append(Delivered(row.placement, row.source, row.revision, facts))
    return found


def adjusted(rows: Iterable[models.DeliveryAdjustment]) -> list[Adjustment]:
    """Return adjustments the engine can decide on."""
    return [
        Adjustment(
            row.id,
            row.kind,  # type: ignore[arg-type]
            row.placement,
            **{name: Decimal(value) for name, value in row.terms.items()},
        )
        for row in rows
    ]
