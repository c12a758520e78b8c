"""Days of deliveries in bulk: of each contract in order, decided by the very `decide_day` that settling calls, on counters
that are held in memory. How impressions become counts is `impressions.py`'s; nothing is stored here.

All that terms say of deliveries is in: revisions and agreed counts, deadlines, make-goods and credits, flights, guarantees,
limits, those over all contracts of a partner among them. What is refused is a contract whose conversions count under the same
limits: its days and its conversions would have to be gone through together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from heapq import merge
from itertools import groupby
from typing import TypeAlias

from app.bulk.impressions import Counted
from app.bulk.pipeline.refusals import NotInBulk
from app.core.instants import start_of_day
from app.core.money import ZERO, plus
from app.engine.counters import Counter, RunningTotals
from app.engine.deliveries.calendar import due_days, ends_window, is_due_on, is_over, terms_on, waits_until
from app.engine.deliveries.counted import Adjustment, Delivered
from app.engine.deliveries.day import DayCase, decide_day
from app.engine.deliveries.decision import DayDecision
from app.engine.matcher import Matcher
from app.engine.terms import Terms, TermsHistory

EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class DayOfContract:
    """What is known of one contract's local day: every count in every revision, and what was agreed afterwards."""

    contract: str
    delivered_on: date
    delivered: Sequence[Delivered] = ()
    adjustments: Sequence[Adjustment] = ()


def decide_days(
    histories: Iterable[TermsHistory], days: Iterable[DayOfContract], matcher: Matcher, *, now: datetime
) -> Iterator[DayDecision]:
    """Yield the decisions on days, contract by contract and each in order of its days, as they are at an instant. `days`
    come in order of contract and day, each once; those on which something is due by itself are added. `histories` are of
    all contracts that a limit per partner is over. NotInBulk where conversions count under the limits of days.
    """
    known = {history.contract.id: history for history in sorted(histories, key=lambda each: each.contract.id)}
    account_of = {contract: account for account in accounts(known.values()) for contract in account}
    refuse_shared(account_of.values())
    given = groupby(days, key=lambda one: one.contract)
    contract, mine = next(given, _NO_DAYS)
    held: dict[str, list[DayOfContract]] = {}
    for name in known:
        account = account_of[name]
        own = mine if contract == name else iter(())
        if len(account) == 1:
            yield from _Account(account, matcher, now).decide({name: own})
        else:
            held[name] = list(own)
        contract, mine = next(given, _NO_DAYS) if contract == name else (contract, mine)
        if name == max(account) and len(account) > 1:
            found = list(_Account(account, matcher, now).decide({each: iter(held.pop(each)) for each in account}))
            yield from sorted(found, key=lambda decision: decision.contract)
    assert contract is None, f"days of {contract}, which is unknown or out of order"


_NO_DAYS: tuple[str | None, Iterator[DayOfContract]] = (None, iter(()))
Account: TypeAlias = Mapping[str, TermsHistory]
"""Contracts, by id, whose days depend on each other: those of a partner that a limit is over, or one by itself."""


def accounts(histories: Iterable[TermsHistory]) -> list[Account]:
    """Return contracts by their accounts. A limit per partner is on those in one currency and direction."""
    found: dict[tuple[str, ...], dict[str, TermsHistory]] = {}
    for history in histories:
        of = history.contract
        found.setdefault((of.partner, of.currency, of.direction), {})[of.id] = history
    return [
        account
        for together in found.values()
        for account in ([together] if any(map(_per_partner, together.values())) else _alone(together))
    ]


def _alone(together: Account) -> list[Account]:
    return [{contract: history} for contract, history in together.items()]


def refuse_shared(found: Iterable[Account]) -> None:
    """Refuse contracts whose days depend on conversions: those of a contract, or of its account."""
    for account in found:
        for contract, history in account.items():
            read = [counter for counter in history.payouts.delivery_counters if counter.measure == "amount"]
            others = account.values() if any(counter.per == "partner" for counter in read) else (history,)
            if any(counter.per != "customer" for counter in read) and any(map(_pays_conversions, others)):
                raise NotInBulk("a limit on what is paid for conversions and deliveries together", contract)


def _pays_conversions(history: TermsHistory) -> bool:
    """Tell whether any version pays for conversions: a limit then counts what it paid."""
    return any(body.on == "conversion" for spans in history.payouts.versions for _, body in spans)


def _per_partner(history: TermsHistory) -> list[Counter]:
    return [counter for counter in history.counters if counter.per == "partner"]


class _Account:
    """The days of an account while they are decided."""

    def __init__(self, histories: Account, matcher: Matcher, now: datetime) -> None:
        self.histories = histories
        self.matcher = matcher
        self.now = now
        self.totals = {
            name: RunningTotals(history.contract.timezone, history.anchor, _nothing)
            for name, history in histories.items()
        }

    def decide(self, given: Mapping[str, Iterator[DayOfContract]]) -> Iterator[DayDecision]:
        """Yield the decisions in canonical order, which is that of instants, contracts and programs."""
        for one in merge(*(self._days(name, days) for name, days in given.items()), key=self._place):
            history = self.histories[one.contract]
            if one.delivered or one.adjustments or is_due_on(history, one.delivered_on):
                yield self._decide(history, one)

    def _days(self, contract: str, given: Iterator[DayOfContract]) -> Iterator[DayOfContract]:
        history = self.histories[contract]
        today = self.now.astimezone(history.contract.timezone).date()
        return _merged(given, due_days(history, date.min, today), contract)

    def _place(self, one: DayOfContract) -> tuple[datetime, str, str]:
        of = self.histories[one.contract].contract
        return start_of_day(one.delivered_on, of.timezone), of.id, of.program

    def _decide(self, history: TermsHistory, one: DayOfContract) -> DayDecision:
        day = one.delivered_on
        at, terms = start_of_day(day, history.contract.timezone), terms_on(history, day)
        deadline = waits_until(history, day)
        case = DayCase(
            history.contract,
            day,
            at,
            terms,
            one.delivered,
            one.adjustments,
            past_deadline=deadline is not None and self.now >= deadline,
            ends_window=ends_window(history, day) and is_over(history, day, self.now),
        )
        if not isinstance(terms, Terms):
            return decide_day(case, self.matcher, {})
        before = self.totals[one.contract].before(history.delivery_counted(terms, day), at)
        decision = decide_day(case, self.matcher, before)
        if decision.adds:
            self._count(history, terms, at, decision.adds)
        return decision

    def _count(self, history: TermsHistory, terms: Terms, at: datetime, adds: Mapping[str, Decimal]) -> None:
        own = {counter: since for counter, since in history.counted(terms).items() if counter.per != "partner"}
        self.totals[history.contract.id].add(own, at, adds)
        for name, other in self.histories.items():
            self.totals[name].add(dict.fromkeys(_per_partner(other), EVER), at, adds)


def _merged(given: Iterator[DayOfContract], due: Iterator[date], contract: str) -> Iterator[DayOfContract]:
    """Yield days that are given and days that are due, in order, each once."""
    one, day = next(given, None), next(due, None)
    while one is not None or day is not None:
        if one is None or (day is not None and day < one.delivered_on):
            assert day is not None
            yield DayOfContract(contract, day)
            day = next(due, None)
            continue
        yield one
        day = next(due, None) if day == one.delivered_on else day
        following = next(given, None)
        assert following is None or following.delivered_on > one.delivered_on, "days out of order"
        one = following


def _nothing(counter: Counter, start: datetime, customer: str) -> Decimal:
    return ZERO


@dataclass(frozen=True, slots=True)
class DaysTotal:
    """What the days of one contract come to in a month, in how many lines that are not zero."""

    contract: str
    month: date
    amount: Decimal
    lines: int


def days_of(counts: Iterable[Counted], source: str, revision: int = 1) -> Iterator[DayOfContract]:
    """Yield the days of counts as `count_impressions` yields them, all counted by one source."""
    for (contract, day), mine in groupby(counts, key=lambda one: (one.contract, one.delivered_on)):
        yield DayOfContract(contract, day, [Delivered(one.placement, source, revision, one.facts) for one in mine])


def statements_of_days(decisions: Iterable[DayDecision]) -> Iterator[DaysTotal]:
    """Yield the totals of contracts and months that were rated, of decisions as `decide_days` yields them."""
    for (contract, month), mine in groupby(decisions, key=lambda one: (one.contract, one.delivered_on.replace(day=1))):
        amount, lines = ZERO, 0
        for decision in mine:
            amount = plus(amount, decision.amount)
            lines += sum(line.amount != 0 for line in decision.lines)
        yield DaysTotal(contract, month, amount, lines)
