"""Settle a program: give every conversion, and every day of deliveries, the decisions it should have, whatever order they
arrived in.

A decision may depend on earlier conversions: on the customer's earlier orders, on tier counters and on limits. So what
is decided again is every conversion that is new or was touched, and, in canonical order (event_at, id), everything after
it that a counter of its contracts carries the change on to. A decision that comes out the same stays; one that does not
is retired by the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.audit.record import record
from app.conversions.book import ContractBook, contract_book
from app.conversions.day_repository import MARK, PendingDay, has_due_days
from app.conversions.days import Days
from app.conversions.errors import ConversionsLost
from app.conversions.mapping import decision_row, engine_conversion
from app.conversions.repository import (
    Key,
    Pending,
    Stored,
    add_decisions,
    counter_before,
    decided_under,
    is_unsettled,
    order_numbers,
    pending_of,
    refresh_statistics,
    retire_decisions,
    take_off,
    unsettled_keys,
)
from app.conversions.sweep import Counting, Ripples
from app.engine.attribution import concerned
from app.engine.counters import Counter
from app.engine.decision import Decision, digest_of
from app.engine.deliveries.day import decide_day
from app.engine.deliveries.decision import DayDecision
from app.engine.evaluate import evaluate
from app.engine.factsheet import Conversion
from app.engine.terms import Terms
from app.partners.repository import program_named
from app.runtime import Context

CHUNK = 5_000
BULK = 1_000
Progress = Callable[[int], None]


@dataclass(slots=True)
class Settled:
    """What settling did: how many conversions it looked at, and how many decisions are new or changed."""

    looked_at: int = 0
    decided: int = 0
    changed: int = 0


def settle_program(ctx: Context, program_id: str, progress: Progress | None = None) -> Settled:
    """Decide whatever is not settled in a program. Costs one look-up when nothing is.

    `progress` is told the number of conversions looked at, now and then. For a partner who reads, all of the program is
    settled as for anybody else.
    """
    program = program_named(ctx.session, program_id)
    if ctx.partner is not None:
        with ctx.as_application() as everything:
            return settle_program(everything, program_id, progress)
    if not is_unsettled(ctx.session, program_id) and not has_due_days(ctx.session, program_id, ctx.now()):
        return Settled()  # without the lock: a reader does not wait for writers whose work it cannot see yet
    program = program_named(ctx.session, program_id, lock=True)
    keys, with_days = unsettled_keys(ctx.session, program_id), has_due_days(ctx.session, program_id, ctx.now())
    if not keys and not with_days:
        return Settled()
    if len(keys) >= BULK:
        refresh_statistics(ctx.session)
    book = contract_book(ctx, program)
    days = Days(ctx, book)
    keys = sorted([*keys, *days.due()]) if with_days else keys
    settled = _Sweep(ctx, book, days, keys, progress).run() if keys else Settled()
    days.plan()
    if settled.decided or settled.changed:
        summary = f"{program_id}: {settled.decided:,} decisions made, {settled.changed:,} changed"
        record(ctx, "decisions.settled", program_id, summary, after=asdict(settled))
    return settled


_Decided = tuple[Pending, Conversion, dict[str | None, Decision]]
_DecidedDay = tuple[PendingDay, DayDecision]


class _Sweep:
    """One way through a program's conversions and days of deliveries in canonical order, a chunk at a time."""

    def __init__(
        self, ctx: Context, book: ContractBook, days: Days, keys: list[Key], progress: Progress | None
    ) -> None:
        self.ctx = ctx
        self.book = book
        self.days = days
        self.keys = keys
        self.progress = progress
        self.settled = Settled()
        self.ripples = Ripples(book.histories.values())
        self.counting = Counting(book.histories.values(), self._load)
        self.reads_order_number = any("customer_order_number" in h.facts_read for h in book.histories.values())

    def run(self) -> Settled:
        place, start = 0, self.keys[0]
        # Contracts that turned out to be reached in the middle of a chunk: it is begun again there, with them.
        reached: frozenset[str] = frozenset()
        done: Key | None = None
        while place < len(self.keys) or reached or self.ripples.open_after(start[0]):
            listed = self.keys[place : place + CHUNK]
            new = self._pending(listed)
            watched = reached | self._counting_contracts(new) | self.ripples.open_after(start[0]).keys()
            later = self._later(watched, done, start, listed, is_last=place + CHUNK >= len(self.keys))
            chunk = self._merged(new, later, listed)
            until, reached = self._settle_chunk(chunk, frozenset(watched))
            if until is not None:
                done = start = until
                place += sum(key <= until for key in listed)
            elif not reached:
                break
        return self.settled

    def _later(
        self, watched: frozenset[str], done: Key | None, start: Key, listed: list[Key], *, is_last: bool
    ) -> list[Key]:
        """Return the places of decided conversions of watched contracts that lie in this chunk."""
        if not watched:
            return []
        histories = [history for history in self.book.histories.values() if history.contract.id in watched]
        last = listed[-1][0] if listed else start[0]
        ends = [history.last_window_end(last) for history in histories]
        ends += self.ripples.open_after(start[0]).values()
        behind = (start[0], "") if done is None else done
        return decided_under(self.ctx.session, watched, behind, max(ends), CHUNK)

    def _merged(
        self, new: list[Pending | PendingDay], later: list[Key], listed: list[Key]
    ) -> list[Pending | PendingDay]:
        """Return the conversions and days of a chunk in canonical order, as far as all of them are known: neither list may end
        before the other one does."""
        ends = [keys[-1] for keys, more in ((later, len(later) == CHUNK), (listed, len(listed) == CHUNK)) if more]
        known = {one.key for one in new}
        others = self._pending([key for key in later if key not in known])
        chunk = sorted([*new, *others], key=lambda one: one.key)
        return [one for one in chunk if not ends or one.key <= min(ends)]

    def _settle_chunk(
        self, chunk: list[Pending | PendingDay], watched: frozenset[str]
    ) -> tuple[Key | None, frozenset[str]]:
        """Decide what has to be decided of a chunk and write it. Return the last place that is settled, and the contracts
        that were reached there without being watched."""
        self.counting.watch(watched)
        numbers = self._order_numbers(chunk)
        decided: list[_Decided] = []
        decided_days: list[_DecidedDay] = []
        done: Key | None = None
        reached: frozenset[str] = frozenset()
        for one in chunk:
            if not one.is_unsettled and not self._is_reached(one):
                self._pass(one)
            else:
                reached = self._contracts(one) - watched
                if reached:
                    break
                if isinstance(one, PendingDay):
                    decided_days += self._decide_day(one)
                else:
                    decided.append(self._decide(one, numbers.get(one.id)))
            done = one.key
        self._write(decided)
        self._write_days(decided_days)
        return done, reached

    def _is_reached(self, one: Pending | PendingDay) -> bool:
        if isinstance(one, PendingDay):
            return one.stored is not None and self.ripples.reach(one.contract, one.event_at, "", is_day=True)
        customer = one.customer_id or ""
        return any(
            stored.contract is not None and self.ripples.reach(stored.contract, one.event_at, customer)
            for stored in one.stored.values()
        )

    def _pass(self, one: Pending | PendingDay) -> None:
        """Count a conversion or a day whose decisions stand."""
        if isinstance(one, PendingDay):
            if one.stored is not None:
                self.counting.add(one.contract, one.key, "", _added(one.stored))
            return
        for stored in one.stored.values():
            if stored.contract is not None:
                self.counting.add(stored.contract, one.key, one.customer_id or "", _added(stored))

    def _decide(self, one: Pending, number: int | None) -> _Decided:
        conversion, customer = self._conversion(one, number), one.customer_id or ""
        case = self.book.case_of(conversion)
        decisions = evaluate(case, self.ctx.matcher, lambda terms: self.counting.before(terms, one.key, customer))
        for partner in {*decisions, *one.stored}:
            self._count(one, customer, one.stored.get(partner), decisions.get(partner))
        return one, conversion, decisions

    def _decide_day(self, one: PendingDay) -> list[_DecidedDay]:
        """Decide a day of deliveries; none where there is nothing to decide."""
        if self.days.is_nothing(one):
            self.days.take_off([one])
            return []
        case = self.days.case_of(one)
        terms, before = case.terms, {}
        if isinstance(terms, Terms):
            before = dict(self.counting.before_day(terms, one.delivered_on, one.key))
        decision = decide_day(case, self.ctx.matcher, before)
        was = {} if one.stored is None else _added(one.stored)
        self.ripples.note(one.contract, one.event_at, "", was, decision.adds)
        self.counting.add(one.contract, one.key, "", decision.adds)
        return [(one, decision)]

    def _conversion(self, one: Pending, number: int | None = None) -> Conversion:
        program, catalogue = self.book.program.id, self.book.catalogue
        return engine_conversion(program, one.id, one.event_at, one.partner, one.facts, number, catalogue, one.touches)

    def _count(self, one: Pending, customer: str, was: Stored | None, now: Decision | None) -> None:
        """Count what a decision adds, and note where that is something else than before."""
        contracts = {was.contract if was else None, now.contract if now else None} - {None}
        for contract in contracts:
            assert contract is not None
            before = _added(was) if was is not None and was.contract == contract else {}
            after = now.adds if now is not None and now.contract == contract else {}
            self.ripples.note(contract, one.event_at, customer, before, after)
            self.counting.add(contract, one.key, customer, after)

    def _pending(self, keys: Sequence[Key]) -> list[Pending | PendingDay]:
        of_days = [key for key in keys if key[1].startswith(MARK)]
        names = [name for _, name in keys if not name.startswith(MARK)]
        found = pending_of(self.ctx.session, self.book.program.id, names)
        if len(found) != len(names):
            lost = sorted(set(names) - {one.id for one in found})
            raise ConversionsLost(
                f"{len(lost)} conversions that wait for a decision cannot be read, {lost[0]} among them."
            )
        return [*found, *self.days.pending(of_days)]

    def _contracts(self, one: Pending | PendingDay) -> frozenset[str]:
        """Return the contracts with counters under which a conversion or a day is decided, or was."""
        if isinstance(one, PendingDay):
            return frozenset({one.contract} if self.counting.counts(one.contract) else ())
        partners = concerned(self._conversion(one), self.book.model_at(one.event_at))
        found = {self.book.histories[partner].contract.id for partner in partners if partner in self.book.histories}
        found |= {stored.contract for stored in one.stored.values() if stored.contract is not None}
        return frozenset(contract for contract in found if self.counting.counts(contract))

    def _counting_contracts(self, pending: Sequence[Pending | PendingDay]) -> frozenset[str]:
        return frozenset[str]().union(*map(self._contracts, pending))

    def _order_numbers(self, chunk: Sequence[Pending | PendingDay]) -> dict[str, int]:
        of_customers = (one.customer_id for one in chunk if isinstance(one, Pending))
        customers = sorted({customer for customer in of_customers if customer is not None})
        if not self.reads_order_number or not customers:
            return {}
        return order_numbers(self.ctx.session, self.book.program.id, customers)

    def _load(self, contract: str, counter: Counter, start: datetime, place: Key, customer: str) -> Decimal:
        return counter_before(self.ctx.session, contract, counter, start, place, customer)

    def _write(self, decided: list[_Decided]) -> None:
        """Keep the decisions that are new or came out differently, and note that all of these are settled."""
        now = _instant_of(self.ctx, [one for one, _, _ in decided])
        rows: list[tuple[Any, ...]] = []
        retired: list[str] = []
        changed = 0
        for one, conversion, decisions in decided:
            stale = {partner: stored for partner, stored in one.stored.items() if partner not in decisions}
            for partner, decision in decisions.items():
                content = decision.as_dict()
                stored = one.stored.get(partner)
                if stored is not None and stored.digest == digest_of(content):
                    continue
                if stored is not None:
                    stale[partner] = stored
                    changed += 1
                rows.append(decision_row(one, conversion, partner, decision, content, now))
            retired += [stored.id for stored in stale.values()]
        retire_decisions(self.ctx.session, retired, now)
        add_decisions(self.ctx.session, rows)
        take_off(self.ctx.session, self.book.program.id, [one.id for one, _, _ in decided if one.is_unsettled])
        self.settled.looked_at += len(decided)
        self.settled.decided += len(rows) - changed
        self.settled.changed += changed
        if self.progress is not None and decided:
            self.progress(len(decided))

    def _write_days(self, decided: list[_DecidedDay]) -> None:
        """Keep the decisions on deliveries that are new or came out differently, and note that these days are settled."""
        stored = [one.stored for one, _ in decided if one.stored is not None]
        now = max([self.ctx.now(), *(each.decided_at for each in stored)])
        rows: list[tuple[Any, ...]] = []
        retired: list[str] = []
        for one, decision in decided:
            record = decision.as_dict()
            if one.stored is not None and one.stored.digest == digest_of(record):
                continue
            retired += [] if one.stored is None else [one.stored.id]
            rows.append(self.days.row(one, decision, record, now))
        retire_decisions(self.ctx.session, retired, now)
        add_decisions(self.ctx.session, rows)
        self.days.settled([one for one, _ in decided], [decision for _, decision in decided])
        self.settled.looked_at += len(decided)
        self.settled.decided += len(rows) - len(retired)
        self.settled.changed += len(retired)


def _added(stored: Stored) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in stored.adds.items()}


def _instant_of(ctx: Context, pending: Sequence[Pending]) -> datetime:
    """Return the instant these decisions are made at: never before those whose place they take, though this unit of work
    may have begun before theirs and waited for them."""
    return max([ctx.now(), *(stored.decided_at for one in pending for stored in one.stored.values())])
