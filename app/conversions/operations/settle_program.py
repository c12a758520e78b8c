"""Settle a program: give every conversion, and every day of deliveries, the decisions it should have, whatever order they
arrived in.

A decision may depend on earlier conversions: on the customer's earlier orders, on tier counters and on limits. So what
is decided again is every conversion that is new or was touched, and, in canonical order (event_at, id), everything after
it that a counter of its contracts carries the change on to. A decision that comes out the same stays; one that does not
is retired by the new one.

Programs that a limit per partner links are settled in one go, in canonical order over all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from app.audit.record import record
from app.bulk.choice import SettlingEngine
from app.bulk.pipeline.refusals import NoRoom, NotInBulk
from app.contracts.linked_programs import linked_programs, lock_linked
from app.conversions.book import ContractBook, contract_book
from app.conversions.day_repository import PendingDay, has_due_days, is_of_day
from app.conversions.days import Days, DecidedDay
from app.conversions.errors import ConversionsLost
from app.conversions.mapping import engine_conversion
from app.conversions.repository import (
    Pending,
    Place,
    Stored,
    counter_before,
    decided_under,
    first_of_orders,
    is_unsettled,
    order_numbers,
    pending_of,
    refresh_statistics,
    unsettled_places,
)
from app.conversions.sweep import Accounts, Counting, Ripples
from app.conversions.writing import Decided, Progress, Settled, Writer
from app.engine.attribution import concerned
from app.engine.counters import Counter
from app.engine.decision import Decision
from app.engine.evaluate import evaluate
from app.engine.factsheet import Conversion
from app.partners.repository import program_named
from app.runtime import Context

CHUNK = 5_000
BULK = 1_000
ONLY_DAYS = "nothing but days of deliveries waits for a decision"


def settle_program(
    ctx: Context, program_id: str, progress: Progress | None = None, engine: SettlingEngine | None = None
) -> Settled:
    """Decide whatever is not settled in a program. Costs one look-up when nothing is.

    `progress` is told the number of conversions looked at, now and then. A bulk `engine` decides all conversions of the
    program; where it does not hold them, they are settled online, and it is said why. For a partner who reads, all of the
    program is settled as for anybody else.
    """
    program_named(ctx.session, program_id)
    if ctx.partner is not None:
        with ctx.as_application() as everything:
            return settle_program(everything, program_id, progress, engine)
    programs = linked_programs(ctx.session, [program_id]).programs
    if not is_unsettled(ctx.session, programs) and not has_due_days(ctx.session, programs, ctx.now()):
        return Settled()  # without the lock: a reader does not wait for writers whose work it cannot see yet
    linked = lock_linked(ctx.session, [program_id])
    places = unsettled_places(ctx.session, linked.programs)
    with_days = has_due_days(ctx.session, linked.programs, ctx.now())
    if not places and not with_days:
        return Settled()
    if len(places) >= BULK:
        refresh_statistics(ctx.session)
    books = [contract_book(ctx, program_named(ctx.session, program)) for program in linked.programs]
    days, writer = Days(ctx, books), Writer(ctx, linked.programs, progress)
    engine, because = engine or ctx.settling.engine, None
    if engine != "online":
        because = _not_in_bulk(ctx, engine, books, writer) if places else ONLY_DAYS
        engine, places = ("online", places) if because else (engine, [])
    if because and ctx.settling.told is not None:
        ctx.settling.told(because)
    places = sorted([*places, *days.due()]) if with_days else places
    if places:
        _Sweep(ctx, books, days, linked.accounts, places, writer).run()
    days.plan()
    for name, part in writer.settled.items():
        if part.decided or part.changed:
            summary = f"{name}: {part.decided:,} decisions made, {part.changed:,} changed"
            record(ctx, "decisions.settled", name, summary, after=part.counts)
    return _all_of(writer.settled.values(), engine, because)


def _all_of(parts: Collection[Settled], engine: SettlingEngine, because: str | None) -> Settled:
    looked_at, decided, changed = (sum(part.counts[name] for part in parts) for name in Settled().counts)
    return Settled(looked_at, decided, changed, engine, because)


def _not_in_bulk(ctx: Context, engine: SettlingEngine, books: Sequence[ContractBook], writer: Writer) -> str | None:
    """Settle the conversions of a program in bulk; or return why that cannot be, with nothing written, or all of it taken
    back."""
    from app.conversions.in_bulk import (
        settle_in_bulk,  # its engine takes a while to load, which others need not wait for
    )

    if len(books) > 1:
        others = ", ".join(book.program.id for book in books)
        return f"a limit per partner links the programs {others}"
    try:
        with ctx.session.begin_nested():
            settle_in_bulk(ctx, engine, books[0], writer)
    except NotInBulk as refusal:
        return refusal.message
    except NoRoom:
        writer.begin_again()
        return f"it does not fit into {ctx.settling.memory} of memory and the folder beside it"
    return None


_One = Pending | PendingDay


class _Sweep:
    """One way through the conversions of programs and their days of deliveries in canonical order, a chunk at a time."""

    def __init__(
        self,
        ctx: Context,
        books: Sequence[ContractBook],
        days: Days,
        accounts: Accounts,
        places: list[Place],
        writer: Writer,
    ) -> None:
        self.ctx = ctx
        self.books = {book.program.id: book for book in books}
        self.days = days
        self.places = places
        self.writer = writer
        self.typed: dict[Place, Conversion] = {}
        self.histories = {history.contract.id: history for book in books for history in book.histories.values()}
        self.ripples = Ripples(self.histories.values(), accounts)
        self.counting = Counting(self.histories.values(), accounts, self._load)

    def run(self) -> None:
        place, start = 0, self.places[0]
        # Contracts that turned out to be reached in the middle of a chunk: it is begun again there, with them.
        reached: frozenset[str] = frozenset()
        done: Place | None = None
        while place < len(self.places) or reached or self.ripples.open_after(start[0]):
            self.typed.clear()
            listed = self.places[place : place + CHUNK]
            new = self._pending(listed)
            open_ones = self.counting.with_accounts(self.ripples.open_after(start[0]))
            watched = reached | self._counting_contracts(new) | open_ones
            later = self._later(watched, done, start, listed)
            chunk = self._merged(new, later, listed)
            until, reached = self._settle_chunk(chunk, frozenset(watched))
            if until is not None:
                done = start = until
                place += sum(each <= until for each in listed)
            elif not reached:
                break

    def _later(self, watched: frozenset[str], done: Place | None, start: Place, listed: list[Place]) -> list[Place]:
        """Return the places of decided conversions of watched contracts that lie in this chunk."""
        if not watched:
            return []
        histories = [self.histories[contract] for contract in watched]
        last = listed[-1][0] if listed else start[0]
        ends = [history.last_window_end(last) for history in histories]
        ends += self.ripples.open_after(start[0]).values()
        behind = (start[0], "", "") if done is None else done
        return decided_under(self.ctx.session, watched, behind, max(ends), CHUNK)

    def _merged(self, new: list[_One], later: list[Place], listed: list[Place]) -> list[_One]:
        """Return the conversions and days of a chunk in canonical order, as far as all of them are known: neither list may
        end before the other one does."""
        ends = [keys[-1] for keys, more in ((later, len(later) == CHUNK), (listed, len(listed) == CHUNK)) if more]
        known = {one.place for one in new}
        others = self._read([place for place in later if place not in known])
        chunk = sorted([*new, *others], key=lambda one: one.place)
        return [one for one in chunk if not ends or one.place <= min(ends)]

    def _read(self, places: Sequence[Place]) -> list[_One]:
        """Return the conversions and days at these places, in order."""
        found: list[_One] = [*self.days.pending([place for place in places if is_of_day(place)])]
        conversions = [place for place in places if not is_of_day(place)]
        for program in sorted({program for _, _, program in conversions}):
            found += pending_of(self.ctx.session, program, [name for _, name, of in conversions if of == program])
        return sorted(found, key=lambda one: one.place)

    def _settle_chunk(self, chunk: list[_One], watched: frozenset[str]) -> tuple[Place | None, frozenset[str]]:
        """Decide what has to be decided of a chunk and write it. Return the last place that is settled, and the contracts
        that were reached there without being watched."""
        self.counting.watch(watched)
        numbers, counted = self._order_numbers(chunk), self._counted_as(chunk)
        decided: list[Decided] = []
        decided_days: list[DecidedDay] = []
        done: Place | None = None
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
                    place = (one.program, one.id)
                    decided.append(self._decide(one, numbers.get(place), counted.get(place)))
            done = one.place
        self.writer.write(decided)
        for one, is_new, is_changed in self.days.write(decided_days):
            settled = self.writer.settled[one.program]
            settled.looked_at += 1
            settled.decided += is_new
            settled.changed += is_changed
        return done, reached

    def _is_reached(self, one: _One) -> bool:
        if isinstance(one, PendingDay):
            return one.stored is not None and self.ripples.reach(one.contract, one.event_at, "", is_day=True)
        customer = one.customer_id or ""
        return any(
            stored.contract is not None and self.ripples.reach(stored.contract, one.event_at, customer)
            for stored in one.stored.values()
        )

    def _pass(self, one: _One) -> None:
        """Count a conversion or a day whose decisions stand."""
        if isinstance(one, PendingDay):
            if one.stored is not None:
                self.counting.add_day(one.contract, one.place, _added(one.stored))
            return
        for stored in one.stored.values():
            if stored.contract is not None:
                self.counting.add(stored.contract, one.place, one.customer_id or "", _added(stored))

    def _decide(self, one: Pending, number: int | None, counted_as: str | None) -> Decided:
        read, customer = self._conversion(one), one.customer_id or ""
        conversion = replace(read, customer_order_number=number, duplicate_of=counted_as)
        case = self.books[one.program].case_of(conversion)
        decisions = evaluate(case, self.ctx.matcher, lambda terms: self.counting.before(terms, one.place, customer))
        for partner in {*decisions, *one.stored}:
            self._count(one, customer, one.stored.get(partner), decisions.get(partner))
        return one, conversion, decisions

    def _decide_day(self, one: PendingDay) -> list[DecidedDay]:
        """Decide a day of deliveries; none where there is nothing to decide."""
        decision = self.days.decide(one, lambda terms: self.counting.before_day(terms, one.delivered_on, one.place))
        if decision is None:
            return []
        was = {} if one.stored is None else _added(one.stored)
        self.ripples.note(one.contract, one.event_at, "", was, decision.adds)
        self.counting.add_day(one.contract, one.place, decision.adds)
        return [(one, decision)]

    def _conversion(self, one: Pending) -> Conversion:
        """Return a conversion for the engine, its facts typed once for a chunk."""
        if one.place not in self.typed:
            self.typed[one.place] = engine_conversion(
                one.program,
                one.id,
                one.event_at,
                one.partner,
                one.facts,
                None,
                self.books[one.program].catalogue,
                one.touches,
                one.reversals,
                received_at=one.received_at,
            )
        return self.typed[one.place]

    def _count(self, one: Pending, customer: str, was: Stored | None, now: Decision | None) -> None:
        """Count what a decision adds, and note where that is something else than before."""
        contracts = {was.contract if was else None, now.contract if now else None} - {None}
        for contract in contracts:
            assert contract is not None
            before = _added(was) if was is not None and was.contract == contract else {}
            after = now.adds if now is not None and now.contract == contract else {}
            self.ripples.note(contract, one.event_at, customer, before, after)
            if before and not after:
                self.counting.count_no_more(contract, one.place, customer)
            self.counting.add(contract, one.place, customer, after)

    def _pending(self, places: list[Place]) -> list[_One]:
        found = self._read(places)
        if len(found) != len(places):
            lost = sorted({name for _, name, _ in places} - {one.place[1] for one in found})
            raise ConversionsLost(
                f"{len(lost)} conversions that wait for a decision cannot be read, {lost[0]} among them."
            )
        return found

    def _contracts(self, one: _One) -> frozenset[str]:
        """Return the contracts with counters under which a conversion is decided, or a day, or was, and whom they share
        them with."""
        if isinstance(one, PendingDay):
            return self.counting.with_accounts([one.contract])
        book = self.books[one.program]
        partners = concerned(self._conversion(one), book.model_at(one.event_at))
        found = {book.histories[partner].contract.id for partner in partners if partner in book.histories}
        found |= {stored.contract for stored in one.stored.values() if stored.contract is not None}
        return self.counting.with_accounts(found)

    def _counting_contracts(self, pending: Sequence[_One]) -> frozenset[str]:
        return frozenset[str]().union(*map(self._contracts, pending))

    def _order_numbers(self, chunk: Sequence[_One]) -> dict[tuple[str, str], int]:
        """Return which order of its customer each conversion is, by program and id, where rules read it."""
        found: dict[tuple[str, str], int] = {}
        for program, book in self.books.items():
            mine = (one for one in chunk if isinstance(one, Pending) and one.program == program)
            customers = sorted({one.customer_id for one in mine if one.customer_id is not None})
            if customers and any("customer_order_number" in h.facts_read for h in book.histories.values()):
                numbers = order_numbers(self.ctx.session, program, customers)
                found |= {(program, name): number for name, number in numbers.items()}
        return found

    def _counted_as(self, chunk: Sequence[_One]) -> dict[tuple[str, str], str]:
        """Return the conversion that the order of a conversion is counted as, where it is another one: the first in
        canonical order, whatever came of it."""
        found: dict[tuple[str, str], str] = {}
        for program in self.books:
            conversions = (one for one in chunk if isinstance(one, Pending) and one.program == program)
            mine = [one for one in conversions if one.order_id is not None]
            first = first_of_orders(self.ctx.session, program, {str(one.order_id) for one in mine})
            firsts = {(program, one.id): first[str(one.order_id)][1] for one in mine}
            found |= {place: name for place, name in firsts.items() if name != place[1]}
        return found

    def _load(
        self, contracts: Collection[str], counter: Counter, start: datetime, place: Place, customer: str
    ) -> Decimal:
        return counter_before(self.ctx.session, contracts, counter, start, place, customer)


def _added(stored: Stored) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in stored.adds.items()}
