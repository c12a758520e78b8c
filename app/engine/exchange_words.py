"""How an order's money was converted, as data and as sentences. At which rate is `exchange.py`'s to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.core.rounding import shown
from app.engine.decision import Fx
from app.engine.evaluate import Case
from app.engine.exchange import has_money
from app.engine.matcher import Facts
from app.engine.terms import Terms
from app.rulelang.printer import money_text, value_words

_DAY_OF = {"event": "", "lock": ", the day of the lock"}


def exchange_data(case: Case, terms: Terms, fx: Fx | None, facts: Facts) -> dict[str, Any]:
    """Return the rate, and each amount that the terms read before and after; nothing where none was converted."""
    if fx is None:
        return {}
    amounts = [
        {"fact": name, "was": value_words(case.conversion.facts[name]), "is": value_words(facts[name])}
        for name in (_money_read(case, terms) if fx.rate is not None else ())
        if name in facts
    ]
    return {"exchange": {**fx.as_dict(), "amounts": amounts}}


def exchange_words(case: Case, terms: Terms, fx: Fx | None, facts: Facts) -> list[str]:
    """Return a sentence for each amount of the order that the terms read: what it was, at which rate, what it is."""
    if fx is None or fx.rate is None:
        return []
    rate = f"at {money_text(fx.rate)} ({said_of(fx)})"
    found = []
    for name in _money_read(case, terms):
        was, now = case.conversion.facts[name], facts.get(name)
        if isinstance(was, tuple):
            found.append(f"Money in {name} is converted from {fx.source} to {fx.target} {rate}.")
        elif now is not None and now is not was:
            amounts = f"{fx.source} {_amount(was, fx.source)} {rate} = {fx.target} {_amount(now, fx.target)}"
            found.append(f"{name}: {amounts}.")
    return found


def said_of(fx: Fx) -> str:
    """Return who says a rate, and of which day it is.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> said_of(Fx("EUR", "USD", "event", date(1999, 3, 3), Decimal("1.1"), "ECB"))
    'ECB, 3 March 1999'
    """
    if fx.day is None:
        return "agreed in the contract"
    return f"{fx.said_by}, {fx.day.day} {fx.day:%B %Y}{_DAY_OF.get(fx.policy, '')}"


def _money_read(case: Case, terms: Terms) -> Iterator[str]:
    """Yield the amounts of the order that its terms read, in order of name."""
    for name in sorted(terms.facts_read):
        if name in case.conversion.facts and has_money(case.exchange.catalogue.get(name)):
            yield name


def _amount(value: Any, currency: str) -> str:
    return shown(value, currency)
