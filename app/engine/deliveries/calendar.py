"""The days on which something is due although nobody delivered: the end of a guarantee's window, and what is contracted by
the day. And from when on nobody waits for counts of a day any longer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from app.core.instants import start_of_day
from app.core.period import first_day_of
from app.engine.deliveries.terms import DeliveryTerms
from app.engine.terms import ContractVersion, NoTerms, Terms, TermsHistory

A_DAY = timedelta(days=1)
FAR = timedelta(days=800)


def terms_on(history: TermsHistory, day: date) -> Terms | NoTerms:
    """Return the terms that govern the deliveries of a local day: those in force where it begins."""
    return history.at(start_of_day(day, history.contract.timezone))


def is_due_on(history: TermsHistory, day: date) -> bool:
    """Tell whether a day is decided even if nothing was delivered on it."""
    terms = _said(history, day)
    if terms is None:
        return False
    is_contracted = terms.basis == "contracted" and any(flight.is_on(day) for flight in terms.flights)
    return is_contracted or ends_window(history, day)


def ends_window(history: TermsHistory, day: date) -> bool:
    """Tell whether a guarantee's window ends with a day, or the terms with the guarantee do."""
    terms = _said(history, day)
    if terms is None or terms.guarantee is None:
        return False
    after = _said(history, day + A_DAY)
    if after is None or after.guarantee is None:
        return True
    window, anchor = terms.guarantee.window, history.anchor
    return first_day_of(window, day, anchor) != first_day_of(window, day + A_DAY, anchor)


def due_days(history: TermsHistory, since: date, until: date) -> Iterator[date]:
    """Yield the days from `since` up to, not including, `until` on which something is due, in order, each once."""
    zone = history.contract.timezone
    for span in history.spans:
        if _is_silent(span.version):
            continue
        first = max(since, span.since.astimezone(zone).date())
        last = until if span.until is None else min(until, span.until.astimezone(zone).date() + A_DAY)
        for day in _days(first, last):
            if is_due_on(history, day):
                yield day
        # The day on which terms change lies in two spans.
        since = max(since, last)


def next_due(history: TermsHistory, since: date) -> date | None:
    """Return the first day from `since` on on which something is due, if one is near."""
    return next(due_days(history, since, since + FAR), None)


def waits_until(history: TermsHistory, day: date) -> datetime | None:
    """Return the instant from which on the fallback counts where sources disagree about a day: the end of so many local
    days after it. None where nobody is waited for."""
    terms = _said(history, day)
    if terms is None or terms.sources is None or terms.sources.deadline_days is None:
        return None
    return start_of_day(day + timedelta(days=terms.sources.deadline_days + 1), history.contract.timezone)


def is_over(history: TermsHistory, day: date, now: datetime) -> bool:
    """Tell whether a local day has ended."""
    return now >= ends_at(history, day)


def ends_at(history: TermsHistory, day: date) -> datetime:
    """Return the instant at which a local day ends."""
    return start_of_day(day + A_DAY, history.contract.timezone)


def _said(history: TermsHistory, day: date) -> DeliveryTerms | None:
    terms = terms_on(history, day)
    if isinstance(terms, NoTerms) or terms.delivery_rules is None:
        return None
    return terms.delivery_terms


def _is_silent(version: ContractVersion) -> bool:
    terms = version.delivery
    return version.is_termination or (terms.guarantee is None and terms.basis != "contracted")


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day < last:
        yield day
        day += A_DAY
