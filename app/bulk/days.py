"""Days of deliveries in bulk: of each contract in order, decided by the very `decide_day` that settling calls, on counters
that are held in memory. How impressions become counts is `impressions.py`'s; nothing is stored here.

All that terms say of deliveries is in: revisions and agreed counts, deadlines, make-goods and credits, flights, guarantees,
limits. What is refused is a contract whose conversions count under the same limits: its days and its conversions would
have to be gone through together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby

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
    come in that order, each once; those on which something is due by itself are added. NotInBulk where days and
    conversions of a contract, or several contracts of a partner, would have to be gone through together.
    """
    known = {history.contract.id: history for history in sorted(histories, key=lambda each: each.contract.id)}
    refuse_shared(known.values())
    given = groupby(days, key=lambda one: one.contract)
    contract, mine = next(given, _NO_DAYS)
    for name, history in known.items():
        own = mine if contract == name else iter(())
        yield from _OfContract(history, matcher, now).decide(own)
        contract, mine = next(given, _NO_DAYS) if contract == name else (contract, mine)
    assert contract is None, f"days of {contract}, which is unknown or out of order"


_NO_DAYS: tuple[str | None, Iterator[DayOfContract]] = (None, iter(()))


def refuse_shared(histories: Iterable[TermsHistory]) -> None:
    """Refuse contracts whose days depend on something else than earlier days of their own."""
    of_partners: dict[str, list[TermsHistory]] = {}
    for history in histories:
        of_days = [counter for counter in history.payouts.delivery_counters if counter.is_of_limits]
        contract = history.contract
        of_partners.setdefault(contract.partner, []).append(history)
        if any(counter.per != "customer" for counter in of_days) and _pays_conversions(history):
            raise NotInBulk("a limit on what is paid for conversions and deliveries together", contract.id)
    for partner, its in of_partners.items():
        if len(its) > 1 and any(counter.per == "partner" for history in its for counter in history.counters):
            raise NotInBulk("a limit on what a partner is paid over several contracts", partner)


def _pays_conversions(history: TermsHistory) -> bool:
    """Tell whether any version pays for conversions: a limit then counts what it paid."""
    return any(body.on == "conversion" for spans in history.payouts.versions for _, body in spans)


@dataclass(slots=True)
class _OfContract:
    """The days of one contract while they are decided."""

    history: TermsHistory
    matcher: Matcher
    now: datetime
    totals: RunningTotals = field(init=False)

    def __post_init__(self) -> None:
        self.totals = RunningTotals(self.history.contract.timezone, self.history.anchor, _nothing)

    def decide(self, given: Iterator[DayOfContract]) -> Iterator[DayDecision]:
        today = self.now.astimezone(self.history.contract.timezone).date()
        for one in _merged(given, due_days(self.history, date.min, today), self.history.contract.id):
            is_empty = not one.delivered and not one.adjustments
            if is_empty and not is_due_on(self.history, one.delivered_on):
                continue
            yield self._decide(one)

    def _decide(self, one: DayOfContract) -> DayDecision:
        history, day = self.history, one.delivered_on
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
        before: Mapping[Counter, Decimal] = {}
        if isinstance(terms, Terms):
            before = self.totals.before(history.delivery_counted(terms, day), at)
        decision = decide_day(case, self.matcher, before)
        if isinstance(terms, Terms) and decision.adds:
            self.totals.add(history.counted(terms), at, decision.adds)
        return decision


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
