"""Every query of the rates room."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import bindparam, select, text, tuple_
from sqlalchemy.orm import Session, aliased

from app.core.as_of import when_asked
from app.rates.errors import RateNotFound
from app.store.models import Contract, Conversion, Decision, ExchangeRate
from app.store.work_list import unsettle_where

Key = tuple[str, str, str]
"""Which rate: from, to, and the day as it is written."""


def rates_between(session: Session, source: str, target: str) -> Sequence[ExchangeRate]:
    """Return the rates from a currency to another, those of a day in the order in which they were recorded."""
    query = select(ExchangeRate).where(ExchangeRate.source == source, ExchangeRate.target == target)
    return session.scalars(query.order_by(ExchangeRate.day, ExchangeRate.number)).all()


def newest_rate(
    session: Session, source: str, target: str, day: date, as_of: datetime | None = None
) -> ExchangeRate | None:
    """Return the rate of a day that counts, or counted at an instant, if there is one."""
    query = select(ExchangeRate).where(
        ExchangeRate.source == source, ExchangeRate.target == target, ExchangeRate.day == day
    )
    if as_of is not None:
        query = query.where(ExchangeRate.recorded_at <= as_of)
    return session.scalar(query.order_by(ExchangeRate.number.desc()).limit(1))


def rate_known(session: Session, source: str, target: str, day: date, as_of: datetime) -> ExchangeRate:
    """Return the rate of a day that counted at an instant, or refuse."""
    found = newest_rate(session, source, target, day, as_of)
    if found is None:
        raise RateNotFound(
            f"No rate from {source} to {target} is recorded for {day.isoformat()}{when_asked(as_of)}. "
            "Record it with POST /v1/exchange-rates."
        )
    return found


def rates_after(
    session: Session,
    after: tuple[str, str, date] | None,
    limit: int,
    as_of: datetime,
    *,
    source: str | None = None,
    target: str | None = None,
) -> Sequence[ExchangeRate]:
    """Return the rates that counted at an instant in order of currencies and day, from behind a cursor."""
    later = aliased(ExchangeRate)
    place = tuple_(ExchangeRate.source, ExchangeRate.target, ExchangeRate.day)
    replaced = select(later.number).where(
        later.source == ExchangeRate.source,
        later.target == ExchangeRate.target,
        later.day == ExchangeRate.day,
        later.number > ExchangeRate.number,
        later.recorded_at <= as_of,
    )
    query = select(ExchangeRate).where(ExchangeRate.recorded_at <= as_of, ~replaced.exists())
    if source is not None:
        query = query.where(ExchangeRate.source == source)
    if target is not None:
        query = query.where(ExchangeRate.target == target)
    if after is not None:
        query = query.where(place > after)
    return session.scalars(query.order_by(place).limit(limit)).all()


def programs_paid_in(session: Session, currencies: Collection[str]) -> list[str]:
    """Return the programs with contracts in one of these currencies."""
    query = select(Contract.program_id).where(Contract.currency.in_(currencies)).distinct()
    return list(session.scalars(query))


# Written out as the index has it.
_MADE_AT = """
    decisions.retired_at IS NULL AND (decisions.record -> 'fx') IS NOT NULL
    AND (decisions.record #>> '{fx,from}') = :source AND (decisions.record #>> '{fx,to}') = :target
    AND (decisions.record #>> '{fx,date}') = ANY (:days)
"""


def unsettle_converted(session: Session, source: str, target: str, days: Sequence[date]) -> None:
    """Put the conversions on the work list that were decided at a rate of these days, or wait for one."""
    made = text(_MADE_AT).bindparams(
        bindparam("source", source), bindparam("target", target), bindparam("days", [day.isoformat() for day in days])
    )
    decided = select(Decision.program_id, Decision.conversion_id).where(made)
    unsettle_where(session, tuple_(Conversion.program_id, Conversion.id).in_(decided))
