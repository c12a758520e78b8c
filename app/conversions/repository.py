"""Every query of the conversions room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Row, Text, delete, exists, func, literal, or_, select, text, tuple_, update
from sqlalchemy.orm import Session, aliased

from app.conversions.errors import ConversionNotFound, DecisionNotFound
from app.core.as_of import when_asked
from app.core.period import Period
from app.engine.counters import Counter
from app.store.base import Instant
from app.store.models import Conversion, Decision, UnsettledConversion
from app.store.rows import add_rows
from app.store.work_list import COLUMNS as WORK_LIST_COLUMNS
from app.store.work_list import unsettle_where

Key = tuple[datetime, str]
"""The place of a conversion in canonical order: (event_at, id)."""


CONVERSION_COLUMNS = (
    "program_id",
    "id",
    "event_at",
    "received_at",
    "recorded_at",
    "partner",
    "customer_id",
    "facts",
    "body_hash",
)


def add_conversions(session: Session, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add conversions, in the order of CONVERSION_COLUMNS. Their ids are new; the program's lock keeps it so."""
    add_rows(session, "conversions", CONVERSION_COLUMNS, rows)


def add_unsettled(session: Session, rows: Iterable[tuple[str, str, str | None, datetime]]) -> None:
    """Put new conversions on the work list: (conversion, program, partner, event_at)."""
    add_rows(session, "unsettled_conversions", WORK_LIST_COLUMNS, rows)


def body_hashes(session: Session, program_id: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the hash of what was sent, by id, of those conversions that are known."""
    query = select(Conversion.id, Conversion.body_hash).where(
        Conversion.program_id == program_id, Conversion.id == func.any(list(ids))
    )
    return {row.id: row.body_hash for row in session.execute(query)}


def unsettle_later_of_customers(session: Session, program_id: str, since: dict[str, Key]) -> None:
    """Put the customers' later conversions on the work list: their order numbers have moved."""
    new = select(
        func.unnest(literal(list(since), ARRAY(Text))).label("customer_id"),
        func.unnest(literal([at for at, _ in since.values()], ARRAY(Instant))).label("event_at"),
        func.unnest(literal([identifier for _, identifier in since.values()], ARRAY(Text))).label("id"),
    ).subquery()
    unsettle_where(
        session,
        Conversion.program_id == program_id,
        Conversion.customer_id == new.c.customer_id,
        tuple_(Conversion.event_at, Conversion.id) > tuple_(new.c.event_at, new.c.id),
    )


def is_unsettled(session: Session, program_id: str) -> bool:
    """Tell whether anything of a program is on the work list."""
    return bool(session.scalar(select(exists().where(UnsettledConversion.program_id == program_id))))


def unsettled_keys(session: Session, program_id: str) -> list[Row[Any]]:
    """Return (partner, event_at, id) of every conversion on the work list, in canonical order."""
    listed = UnsettledConversion
    query = (
        select(listed.partner, listed.event_at, listed.conversion_id.label("id"))
        .where(listed.program_id == program_id)
        .order_by(listed.event_at, listed.conversion_id)
    )
    return list(session.execute(query))


@dataclass(frozen=True, slots=True)
class Pending:
    """A conversion to decide, with the digest of the decision it has so far, and when that was made."""

    id: str
    event_at: datetime
    customer_id: str | None
    facts: dict[str, Any]
    decision_id: str | None
    digest: str | None
    revision: int
    decided_at: datetime | None


def pending_in(
    session: Session, program_id: str, partner: str | None, span: Period, first: Key, *, unsettled_only: bool
) -> list[Pending]:
    """Return a partner's conversions in a span from `first` on, in canonical order: all, or those not settled."""
    query = select(Conversion.id, Conversion.event_at, Conversion.customer_id, Conversion.facts).where(
        Conversion.program_id == program_id,
        Conversion.partner == partner if partner is not None else Conversion.partner.is_(None),
        Conversion.event_at >= span.start,
        Conversion.event_at < span.end,
        tuple_(Conversion.event_at, Conversion.id) >= tuple_(literal(first[0]), literal(first[1])),
    )
    if unsettled_only:
        query = query.join(
            UnsettledConversion,
            (UnsettledConversion.conversion_id == Conversion.id)
            & (UnsettledConversion.program_id == Conversion.program_id),
        )
    rows = session.execute(query.order_by(Conversion.event_at, Conversion.id)).all()
    decided = _digests(session, program_id, [row.id for row in rows])
    return [Pending(*row, *decided.get(row.id, (None, None, 0, None))) for row in rows]


def _digests(session: Session, program_id: str, ids: Sequence[str]) -> dict[str, tuple[str, str, int, datetime]]:
    made = (Decision.id, Decision.digest, Decision.revision, Decision.recorded_at)
    query = select(Decision.conversion_id, *made).where(
        Decision.program_id == program_id, Decision.conversion_id == func.any(list(ids)), Decision.retired_at.is_(None)
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in session.execute(query)}


def order_numbers(session: Session, program_id: str, customers: Sequence[str]) -> dict[str, int]:
    """Return which order of its customer each conversion of these customers is: 1 for the first in the program."""
    place = func.row_number().over(partition_by=Conversion.customer_id, order_by=(Conversion.event_at, Conversion.id))
    query = select(Conversion.id, place).where(
        Conversion.program_id == program_id, Conversion.customer_id == func.any(list(customers))
    )
    return {row[0]: row[1] for row in session.execute(query)}


def order_number_at(session: Session, program_id: str, customer_id: str | None, key: Key) -> int | None:
    """Return which order of its customer a conversion at this place is, without it being stored."""
    if customer_id is None:
        return None
    query = select(func.count()).where(
        Conversion.program_id == program_id,
        Conversion.customer_id == customer_id,
        tuple_(Conversion.event_at, Conversion.id) < tuple_(literal(key[0]), literal(key[1])),
    )
    return 1 + session.scalar(query)  # type: ignore[operator]


def counter_before(session: Session, contract_id: str, counter: Counter, start: datetime, end: Key) -> Decimal:
    """Return what a counter holds over the contract's rated conversions from `start` up to a place."""
    measured: Any = func.count()
    query = select(measured)
    if counter.measure == "amount":
        query = select(func.coalesce(func.sum(Decision.amount), 0))
    elif counter.fact is not None:
        fact = func.coalesce(Conversion.facts[counter.fact].astext, "0")
        query = select(func.coalesce(func.sum(func.cast(fact, Decision.amount.type)), 0)).join(
            Conversion,
            (Conversion.program_id == Decision.program_id) & (Conversion.id == Decision.conversion_id),
        )
    query = query.select_from(Decision).where(
        Decision.contract_id == contract_id,
        Decision.retired_at.is_(None),
        Decision.outcome == "rated",
        Decision.event_at >= start,
        tuple_(Decision.event_at, Decision.conversion_id) < tuple_(literal(end[0]), literal(end[1])),
    )
    return Decimal(session.scalar(query) or 0)


def retire_decisions(session: Session, ids: Sequence[str], at: datetime) -> None:
    """End the validity of decisions that others take the place of."""
    if ids:
        session.execute(
            update(Decision)
            .where(Decision.id == func.any(list(ids)))
            .values(retired_at=at)
            .execution_options(synchronize_session=False)
        )


DECISION_COLUMNS = (
    "id",
    "program_id",
    "conversion_id",
    "revision",
    "contract_id",
    "contract_version",
    "event_at",
    "outcome",
    "amount",
    "currency",
    "customer_order_number",
    "before",
    "record",
    "digest",
    "recorded_at",
)


def add_decisions(session: Session, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add decisions, in the order of DECISION_COLUMNS."""
    add_rows(session, "decisions", DECISION_COLUMNS, rows)


def take_off(session: Session, program_id: str, ids: Sequence[str]) -> None:
    """Take conversions off the work list: they have the decision they should have."""
    session.execute(
        delete(UnsettledConversion)
        .where(UnsettledConversion.program_id == program_id, UnsettledConversion.conversion_id == func.any(list(ids)))
        .execution_options(synchronize_session=False)
    )


def conversion_known(
    session: Session, program_id: str, conversion_id: str, as_of: datetime | None = None
) -> Conversion:
    """Return a conversion that was there by then, or refuse."""
    conversion = session.get(Conversion, (program_id, conversion_id))
    if conversion is None or (as_of is not None and conversion.recorded_at > as_of):
        raise ConversionNotFound(f"The program {program_id!r} has no conversion {conversion_id!r}{when_asked(as_of)}.")
    return conversion


def decision_known(session: Session, decision_id: str, as_of: datetime) -> Decision:
    """Return a decision that was made by then, current or retired, or refuse."""
    decision = session.get(Decision, decision_id)
    if decision is None or decision.recorded_at > as_of:
        raise DecisionNotFound(f"There is no decision {decision_id!r}{when_asked(as_of)}. Conversions name theirs.")
    return decision


def decision_at(session: Session, program_id: str, conversion_id: str, as_of: datetime) -> Decision | None:
    """Return the decision on a conversion as it stood at an instant, or None before the first."""
    query = select(Decision).where(
        Decision.program_id == program_id,
        Decision.conversion_id == conversion_id,
        Decision.recorded_at <= as_of,
        or_(Decision.retired_at.is_(None), Decision.retired_at > as_of),
    )
    return session.scalar(query)


def current_decision(session: Session, program_id: str, conversion_id: str) -> Decision | None:
    """Return the decision on a conversion as it stands, or None before the first."""
    query = select(Decision).where(
        Decision.program_id == program_id, Decision.conversion_id == conversion_id, Decision.retired_at.is_(None)
    )
    return session.scalar(query)


def decisions_of(session: Session, program_id: str, conversion_id: str, as_of: datetime) -> Sequence[Decision]:
    """Return every decision that was made on a conversion by then, the newest first."""
    query = select(Decision).where(
        Decision.program_id == program_id, Decision.conversion_id == conversion_id, Decision.recorded_at <= as_of
    )
    return session.scalars(query.order_by(Decision.revision.desc())).all()


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """A conversion whose decision was retired by another one."""

    conversion: str
    event_at: datetime
    decision: str
    before: dict[str, Any]
    after: dict[str, Any]
    amount_before: Decimal
    amount_after: Decimal


def changes_at(session: Session, program_id: str, at: datetime) -> list[DecisionChange]:
    """Return the decisions that were retired by others at an instant, in canonical order."""
    later = aliased(Decision)
    query = (
        select(
            Decision.conversion_id,
            Decision.event_at,
            Decision.id,
            Decision.record,
            later.record,
            Decision.amount,
            later.amount,
        )
        .join(later, (later.conversion_id == Decision.conversion_id) & (later.program_id == Decision.program_id))
        .where(Decision.program_id == program_id, Decision.retired_at == at, later.retired_at.is_(None))
        .order_by(Decision.event_at, Decision.conversion_id)
    )
    return [DecisionChange(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class DecisionBrief:
    """The part of a decision that a receipt shows."""

    id: str
    outcome: str
    amount: Decimal
    currency: str


def current_briefs(session: Session, program_id: str, ids: Iterable[str]) -> dict[str, DecisionBrief]:
    """Return the decisions on these conversions as they stand, in brief, by conversion."""
    query = select(Decision.conversion_id, Decision.id, Decision.outcome, Decision.amount, Decision.currency).where(
        Decision.conversion_id == func.any(list(ids)), Decision.program_id == program_id, Decision.retired_at.is_(None)
    )
    return {row[0]: DecisionBrief(*row[1:]) for row in session.execute(query)}


def programs_with_conversion(session: Session, conversion_id: str) -> list[str]:
    """Return the programs that have a conversion of this id."""
    return list(session.scalars(select(Conversion.program_id).where(Conversion.id == conversion_id)))


def current_records(
    session: Session, program_id: str, ids: Sequence[str] | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """Return (conversion, record) of the decisions as they stand, of all conversions or of these, in order of id."""
    query = (
        select(Decision.conversion_id, Decision.record)
        .where(Decision.program_id == program_id, Decision.retired_at.is_(None))
        .order_by(Decision.conversion_id)
    )
    if ids is not None:
        query = query.where(Decision.conversion_id == func.any(list(ids)))
    return [(row.conversion_id, row.record) for row in session.execute(query)]


def refresh_statistics(session: Session) -> None:
    """Tell the planner what a bulk load has changed. Autovacuum would, a minute too late and never inside a
    transaction; until then a join over tens of thousands of new rows is planned as if there were none."""
    session.execute(text("SELECT refresh_statistics()"))
