"""Money of an order in another currency than the contract's: at which rate it is converted, once, before rules read it.
Which rates are known is asked of a function that is handed in; none is made up of others. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.core.money import times
from app.core.rounding import round_converted
from app.engine.decision import Fx, Reason
from app.engine.settlement import FxPolicy, lock_at
from app.engine.terms import Terms
from app.rulelang.ast import Record, Value
from app.rulelang.facts import LARGEST, MAX_SCALE, Catalogue, Fact
from app.rulelang.printer import value_words

CURRENCY = "currency"
"""The fact that says which currency an order's money is in; the program's where it is absent."""

MONEY = "money"
NO_RATE, NOT_CONVERTED = "NO_RATE", "NOT_CONVERTED"
UNCONVERTED = (NO_RATE, NOT_CONVERTED)
"""The reasons for which a conversion is held before its rules are looked at, because its money is in another currency."""
_MOST = Decimal(LARGEST).scaleb(-MAX_SCALE)
_AGREED_NOWHERE = FxPolicy("event")  # where the terms say nothing of it


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in another, and who says so."""

    rate: Decimal
    source: str


RateOf = Callable[[str, str, date, datetime | None], Rate | None]
"""Returns the rate from a currency to another of a day, or None where none is recorded. What is final from an instant on
is left as it is by what is recorded later."""


def _none_known(source: str, target: str, day: date, final_at: datetime | None) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What converting takes besides the terms: which facts are money, and the rates that are recorded."""

    catalogue: Catalogue = field(default_factory=lambda: Catalogue({}))
    rate_of: RateOf = _none_known


def fx_of(terms: Terms, facts: Mapping[str, Value], event_at: datetime, currency: str, exchange: Exchange) -> Fx | None:
    """Return how an order's money becomes the contract's, its rate None where that is not known yet. Return None where
    nothing is to be converted: it is in that currency already, or the terms read no money that the order carries.

    `currency` is what the order is in unless it says so itself.
    """
    stated = facts.get(CURRENCY)
    source, target = stated if isinstance(stated, str) else currency, terms.contract.currency
    if source == target or not any(
        name in facts and has_money(exchange.catalogue.get(name)) for name in terms.facts_read
    ):
        return None
    return rate_for(terms, source, event_at, exchange)


def rate_for(terms: Terms, source: str, event_at: datetime, exchange: Exchange) -> Fx:
    """Return at which rate terms convert money of another currency, None where that is not known yet."""
    target = terms.contract.currency
    policy = terms.version.settlement.fx or _AGREED_NOWHERE
    if policy.date == "fixed":
        return Fx(source, target, "fixed", None, policy.rates.get(source))
    zone = terms.contract.timezone
    locked_at = lock_at(terms.version.settlement, event_at, zone)
    at = locked_at if policy.date == "lock" and locked_at is not None else event_at
    day = _local_day(at, zone)
    found = exchange.rate_of(source, target, day, locked_at)
    if found is None:
        return Fx(source, target, policy.date, day, None)
    return Fx(source, target, policy.date, day, found.rate, found.source)


def _local_day(at: datetime, zone: ZoneInfo) -> date:
    try:
        return at.astimezone(zone).date()
    except OverflowError:  # a lock beyond the last year there is
        return date.max


def no_rate(fx: Fx) -> Reason:
    """Return why a conversion waits that has no rate."""
    pair = f"from {fx.source} to {fx.target}"
    if fx.day is None:
        return Reason(NO_RATE, actual=f"the contract agrees no rate {pair}")
    of_lock = ", the day of the lock" if fx.policy == "lock" else ""
    return Reason(NO_RATE, actual=f"no rate {pair} is recorded for {fx.day.isoformat()}{of_lock}")


def converted(facts: Mapping[str, Value], fx: Fx, catalogue: Catalogue) -> dict[str, Value] | tuple[Reason, ...]:
    """Return facts with all their money in the contract's currency, or what of it cannot be converted."""
    assert fx.rate is not None
    found: dict[str, Value] = {}
    refused = []
    for name, value in facts.items():
        fact = catalogue.get(name)
        if fact is None or not has_money(fact):
            found[name] = value
            continue
        money = _records(fact, value, fx.rate) if fact.fields else _amount(value, fx.rate)
        if money is None:
            refused.append(
                Reason(
                    NOT_CONVERTED,
                    fact=name,
                    expected=f"an amount in {fx.target} below {_MOST:,f}",
                    actual=value_words(value),
                )
            )
        else:
            found[name] = money
    return tuple(refused) or found


def has_money(fact: Fact | None) -> bool:
    """Tell whether a fact is an amount of money, or its items hold one."""
    return fact is not None and (fact.unit == MONEY or any(part.unit == MONEY for part in fact.fields))


def _records(fact: Fact, value: Value, rate: Decimal) -> Value | None:
    assert isinstance(value, tuple)
    money = {part.name for part in fact.fields if part.unit == MONEY}
    items: list[Record] = []
    for item in value:
        assert isinstance(item, dict)
        amounts = {name: _amount(each, rate) if name in money else each for name, each in item.items()}
        if None in amounts.values():
            return None
        items.append(amounts)  # type: ignore[arg-type]
    return tuple(items)


def _amount(value: Any, rate: Decimal) -> Decimal | None:
    """Return an amount in the other currency, half away from zero to six digits, as facts have them. A whole number
    cannot stay one, and what is larger than any fact may be is no fact: None then."""
    if not isinstance(value, Decimal):
        return None
    rounded = round_converted(times(value, rate), MAX_SCALE)
    return None if abs(rounded) >= _MOST else rounded
