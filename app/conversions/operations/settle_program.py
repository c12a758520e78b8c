"""Settle a program: give every conversion the decision it should have, whatever order conversions arrived in.

A decision may depend on earlier conversions: on the customer's earlier orders, on tier counters and on limits. So what
is decided again is every conversion that is new or was touched, and, where the contract counts, everything after it in
the same window, in canonical order (event_at, id). A decision that comes out the same stays; one that does not is
retired by the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from app.audit.record import record
from app.conversions.book import ContractBook, contract_book
from app.conversions.errors import ConversionsLost
from app.conversions.mapping import decision_row, engine_conversion
from app.conversions.repository import (
    Key,
    Pending,
    add_decisions,
    counter_before,
    is_unsettled,
    order_numbers,
    pending_in,
    refresh_statistics,
    retire_decisions,
    take_off,
    unsettled_keys,
)
from app.core.period import Period, month_of
from app.engine.counters import Before, Counter, RunningTotals, additions
from app.engine.decision import Decision, digest_of
from app.engine.evaluate import decide_unclaimed, decide_without_terms, evaluate
from app.engine.factsheet import Conversion
from app.engine.terms import NoTerms, TermsHistory
from app.partners.repository import program_named
from app.runtime import Context

BULK = 1_000
Progress = Callable[[int], None]
_ALWAYS = Period(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


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
    settled = Settled()
    program = program_named(ctx.session, program_id)
    if ctx.partner is not None:
        with ctx.as_application() as everything:
            return settle_program(everything, program_id, progress)
    if not is_unsettled(ctx.session, program_id):
        return settled  # without the lock: a reader does not wait for writers whose work it cannot see yet
    program = program_named(ctx.session, program_id, lock=True)
    keys = unsettled_keys(ctx.session, program_id)
    if len(keys) >= BULK:
        refresh_statistics(ctx.session)
    if keys:
        book = contract_book(ctx, program)
        by_partner: dict[str | None, list[Key]] = {}
        for key in keys:
            by_partner.setdefault(key.partner, []).append((key.event_at, key.id))
        for partner in sorted(by_partner, key=lambda name: name or ""):
            _settle_partner(ctx, book, partner, by_partner[partner], settled, progress)
    if settled.decided or settled.changed:
        summary = f"{program_id}: {settled.decided:,} decisions made, {settled.changed:,} changed"
        record(ctx, "decisions.settled", program_id, summary, after=asdict(settled))
    return settled


def _settle_partner(
    ctx: Context,
    book: ContractBook,
    partner: str | None,
    keys: list[Key],
    settled: Settled,
    progress: Progress | None,
) -> None:
    """Settle one partner's conversions, a window at a time."""
    terms = None if partner is None else book.contract_of(partner)
    for span, first in _windows(terms, keys):
        counts = isinstance(terms, TermsHistory) and bool(terms.counters)
        pending = pending_in(ctx.session, book.program.id, partner, span, first, unsettled_only=not counts)
        _require_all(pending, span, keys)
        decided = _decide_all(ctx, book, partner, terms, pending, first)
        _write(ctx, book.program.id, decided, settled, _instant_of(ctx, pending))
        settled.looked_at += len(pending)
        if progress is not None:
            progress(len(pending))


def _require_all(pending: list[Pending], span: Period, keys: list[Key]) -> None:
    """Every conversion on the work list is among those that are decided, or something is very wrong."""
    found = {one.id for one in pending}
    lost = [identifier for event_at, identifier in keys if event_at in span and identifier not in found]
    if lost:
        raise ConversionsLost(f"{len(lost)} conversions that wait for a decision cannot be read, {lost[0]} among them.")


def _windows(terms: TermsHistory | NoTerms | None, keys: list[Key]) -> Iterator[tuple[Period, Key]]:
    """Yield the windows that hold something to decide, each with the first place in it."""
    if not isinstance(terms, TermsHistory):
        yield _ALWAYS, keys[0]
        return
    zone = terms.contract.timezone
    for month, places in groupby(keys, key=lambda key: month_of(key[0], zone)):
        yield month, next(places)


_Decided = tuple[Pending, Conversion, Decision, Before]


def _decide_all(
    ctx: Context,
    book: ContractBook,
    partner: str | None,
    history: TermsHistory | NoTerms | None,
    pending: list[Pending],
    first: Key,
) -> Iterator[_Decided]:
    """Decide conversions in canonical order; counters start from what the database holds before the first."""
    numbers: dict[str, int] = {}
    if isinstance(history, TermsHistory) and "customer_order_number" in history.facts_read:
        customers = sorted({one.customer_id for one in pending if one.customer_id is not None})
        numbers = order_numbers(ctx.session, book.program.id, customers)
    conversions = ((one, _conversion(ctx, book, partner, one, numbers.get(one.id))) for one in pending)
    if not isinstance(history, TermsHistory):
        for one, conversion in conversions:
            yield one, conversion, _decide_without_contract(conversion, history, book), {}
        return

    def load(counter: Counter, start: datetime, customer: str) -> Decimal:
        return counter_before(ctx.session, history.contract.id, counter, start, first)

    totals = RunningTotals(history.contract.timezone, history.anchor, load)
    for one, conversion in conversions:
        terms = history.at(conversion.event_at)
        if isinstance(terms, NoTerms):
            contract = history.contract
            yield one, conversion, decide_without_terms(conversion, terms, contract.id, contract.currency), {}
            continue
        before = totals.before(terms.counters_since, conversion.event_at)
        decision = evaluate(terms, conversion, ctx.matcher, before)
        if decision.outcome == "rated":
            counted = history.counted(terms)
            added = additions(counted, conversion.facts, decision.amount, is_paid=decision.amount != 0)
            totals.add(counted, conversion.event_at, added)
        yield one, conversion, decision, before


def _decide_without_contract(conversion: Conversion, why: NoTerms | None, book: ContractBook) -> Decision:
    currency = book.program.currency
    if why is None:
        return decide_unclaimed(conversion, currency)
    return decide_without_terms(conversion, why, None, currency)


def _conversion(ctx: Context, book: ContractBook, partner: str | None, one: Pending, number: int | None) -> Conversion:
    return engine_conversion(book.program.id, one.id, one.event_at, partner, one.facts, number, book.catalogue)


def _instant_of(ctx: Context, pending: list[Pending]) -> datetime:
    """Return the instant these decisions are made at: never before those whose place they take, though this unit of work
    may have begun before theirs and waited for them."""
    return max([ctx.now(), *(one.decided_at for one in pending if one.decided_at is not None)])


def _write(ctx: Context, program_id: str, decided: Iterator[_Decided], settled: Settled, now: datetime) -> None:
    """Keep the decisions that are new or came out differently, and note that all of these are settled."""
    ids: list[str] = []
    rows: list[tuple[Any, ...]] = []
    retired: list[str] = []
    for pending, conversion, decision, before in decided:
        ids.append(pending.id)
        content = decision.as_dict()
        if pending.digest == digest_of(content):
            continue
        if pending.decision_id is not None:
            retired.append(pending.decision_id)
        rows.append(decision_row(pending, conversion, decision, before, content, now))
    retire_decisions(ctx.session, retired, now)
    add_decisions(ctx.session, rows)
    take_off(ctx.session, program_id, ids)
    settled.decided += len(rows) - len(retired)
    settled.changed += len(retired)
