"""Settling deliveries: a contract's local day, decided in the same sweep as conversions, at the instant at which it begins.

Its place in canonical order is (start of the local day, mark and contract, program), ahead of conversions of that instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.conversions.book import ContractBook
from app.conversions.day_repository import (
    PendingDay,
    contract_at,
    decided_days,
    due_days_of,
    pending_days,
    place_of_day,
    take_days_off,
)
from app.conversions.repository import Place, add_decisions, retire_decisions
from app.core.ids import derived_id
from app.core.instants import start_of_day
from app.core.money import canonical
from app.engine.counters import Before
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
from app.engine.deliveries.day import DayCase, decide_day
from app.engine.deliveries.decision import DayDecision
from app.engine.evaluate import before_record
from app.engine.factsheet import typed_facts
from app.engine.terms import Terms, TermsHistory
from app.rulelang.facts import Catalogue
from app.runtime import Context
from app.store import models
from app.store.rows import json_text
from app.store.work_list import unsettle_day

DecidedDay = tuple[PendingDay, DayDecision]


# What decisions on conversions have besides: the customer's order number, reversals, corrections, the order it doubles,
# and until when it is held and not locked.
_NOT_OF_DAYS = (None, 0, 0, None, None, None)


class Days:
    """The days of deliveries that a sweep over programs decides."""

    def __init__(self, ctx: Context, books: Iterable[ContractBook]) -> None:
        self.ctx = ctx
        self.books = {book.program.id: book for book in books}
        self.histories = {h.contract.id: h for book in self.books.values() for h in book.histories.values()}
        self._unsettled: set[tuple[str, date]] = set()
        self._contracts: list[str] = []

    def due(self) -> list[Place]:
        """Return the places of all days that are to be decided now: those on the work list, and those on which something
        is due by itself since."""
        listed = due_days_of(self.ctx.session, self.books, self.ctx.now())
        self._contracts = list(listed)
        for contract, days in listed.items():
            known = decided_days(self.ctx.session, contract, days[0])
            by_itself = due_days(self.histories[contract], days[0], self._today(contract))
            self._unsettled |= {(contract, day) for day in days}
            self._unsettled |= {(contract, day) for day in by_itself if day not in known}
        return sorted(self._place(contract, day) for contract, day in self._unsettled)

    def pending(self, places: Iterable[Place]) -> list[PendingDay]:
        """Return the days at these places, in order, with everything known of them."""
        wanted = []
        for place in sorted(places):
            contract = contract_at(place)
            timezone = self.histories[contract].contract.timezone
            wanted.append((contract, place[0].astimezone(timezone).date(), place))
        return pending_days(self.ctx.session, wanted, frozenset(self._unsettled))

    def decide(self, one: PendingDay, before: Callable[[Terms], Before]) -> DayDecision | None:
        """Decide a day as the clock has it now. None where there is nothing to decide: nobody delivered, nothing is due."""
        history, day, now = self.histories[one.contract], one.delivered_on, self.ctx.now()
        if one.is_empty and (day >= self._today(one.contract) or not is_due_on(history, day)):
            self._take_off([one])
            return None
        deadline = waits_until(history, day)
        is_past = deadline is not None and now >= deadline
        ends = ends_window(history, day) and is_over(history, day, now)
        catalogue = self.books[one.program].catalogue
        case = day_case(history, one, catalogue, past_deadline=is_past, ends_window=ends)
        held = before(case.terms) if isinstance(case.terms, Terms) else {}
        return decide_day(case, self.ctx.matcher, held)

    def write(self, decided: Sequence[DecidedDay]) -> list[tuple[PendingDay, bool, bool]]:
        """Keep the decisions that are new or came out differently, and note that these days are settled. Return of each
        day whether its decision is new, and whether it is changed."""
        stored = [one.stored for one, _ in decided if one.stored is not None]
        now = max([self.ctx.now(), *(each.decided_at for each in stored)])
        rows: list[tuple[Any, ...]] = []
        retired: list[str] = []
        became: list[tuple[PendingDay, bool, bool]] = []
        for one, decision in decided:
            record = decision.as_dict()
            is_other = one.stored is not None and one.stored.digest != digest_of(record)
            became.append((one, one.stored is None, is_other))
            if one.stored is None or is_other:
                rows.append(self._row(one, decision, record, now))
            if one.stored is not None and is_other:
                retired.append(one.stored.id)
        retire_decisions(self.ctx.session, retired, now)
        add_decisions(self.ctx.session, rows)
        self._settled(decided)
        return became

    def plan(self) -> None:
        """Put the next day on which something is due by itself on the work list."""
        for contract in self._contracts:
            history = self.histories[contract]
            day = next_due(history, self._today(contract))
            if day is not None:
                self._put(contract, day, ends_at(history, day))

    def _place(self, contract: str, day: date) -> Place:
        of = self.histories[contract].contract
        return place_of_day(of.program, contract, start_of_day(day, of.timezone))

    def _today(self, contract: str) -> date:
        return self.ctx.now().astimezone(self.histories[contract].contract.timezone).date()

    def _row(self, one: PendingDay, decision: DayDecision, record: dict[str, Any], now: datetime) -> tuple[Any, ...]:
        """Return a decision as a row, in the order of `repository.DECISION_COLUMNS`."""
        revision = one.revision + 1
        return (
            derived_id("dec", one.program, one.contract, "deliveries", str(one.delivered_on), str(revision)),
            one.program,
            None,
            one.delivered_on,
            self.histories[one.contract].contract.partner,
            revision,
            one.contract,
            decision.contract_version,
            decision.event_at,
            decision.outcome,
            decision.amount,
            decision.currency,
            *_NOT_OF_DAYS,
            json_text(before_record(decision.before)),
            json_text({key: canonical(value) for key, value in decision.adds.items()}),
            json_text(record),
            digest_of(record),
            now,
        )

    def _settled(self, decided: Sequence[DecidedDay]) -> None:
        """Note that days have the decision they should have, until their deadline if they wait for it."""
        self._take_off([one for one, _ in decided])
        for one, decision in decided:
            deadline = waits_until(self.histories[one.contract], one.delivered_on)
            waits = any(reason.code in ("SOURCES_DISAGREE", "SOURCE_MISSING") for reason in decision.reasons)
            if waits and deadline is not None and deadline > self.ctx.now():
                self._put(one.contract, one.delivered_on, deadline)

    def _take_off(self, days: Iterable[PendingDay]) -> None:
        """Take days off the work list; what is due later stays on it."""
        listed = [(one.contract, one.delivered_on) for one in days if one.is_unsettled]
        take_days_off(self.ctx.session, listed)

    def _put(self, contract: str, day: date, due_at: datetime) -> None:
        unsettle_day(self.ctx.session, self.histories[contract].contract.program, contract, day, due_at)


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
