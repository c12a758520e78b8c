"""Every query of the conversions room."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, delete, exists, func, literal, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from app.conversions.errors import ConversionNotFound, DecisionNotFound
from app.conversions.life import Posted
from app.core.as_of import when_asked
from app.engine.counters import Counter
from app.store.base import Instant
from app.store.models import (
    Contract,
    ContractVersion,
    Conversion,
    Correction,
    Decision,
    Posting,
    Reversal,
    Statement,
    StatementLine,
    Touch,
    UnsettledConversion,
)
from app.store.rows import add_rows
from app.store.work_list import COLUMNS as WORK_LIST_COLUMNS
from app.store.work_list import unsettle_where

Key = tuple[datetime, str]
"""The place of a conversion among those of its program: (event_at, id)."""

Place = tuple[datetime, str, str]
"""The place of a conversion in canonical order, over all programs: (event_at, id, program)."""


CONVERSION_COLUMNS = (
    "program_id",
    "id",
    "event_at",
    "received_at",
    "recorded_at",
    "partner",
    "customer_id",
    "order_id",
    "corrections",
    "facts",
    "body_hash",
)


def add_conversions(session: Session, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add conversions, in the order of CONVERSION_COLUMNS. Their ids are new; the program's lock keeps it so."""
    add_rows(session, "conversions", CONVERSION_COLUMNS, rows)


TOUCH_COLUMNS = ("program_id", "conversion_id", "id", "partner", "type", "at", "facts")


def add_touches(session: Session, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add the touches of new conversions, in the order of TOUCH_COLUMNS."""
    add_rows(session, "touches", TOUCH_COLUMNS, rows)


def add_unsettled(session: Session, rows: Iterable[tuple[str, str, str | None, datetime]]) -> None:
    """Put new conversions on the work list: (conversion, program, partner, event_at)."""
    add_rows(session, "unsettled_conversions", WORK_LIST_COLUMNS, rows)


def body_hashes(session: Session, program_id: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the hash of what was sent, by id, of those conversions that are known."""
    query = select(Conversion.id, Conversion.body_hash).where(
        Conversion.program_id == program_id, Conversion.id == func.any(list(ids))
    )
    return {row.id: row.body_hash for row in session.execute(query)}


def unsettle_conversion(session: Session, program_id: str, conversion_id: str) -> None:
    """Put a conversion on the work list."""
    unsettle_where(session, Conversion.program_id == program_id, Conversion.id == conversion_id)


def unsettle_later_of_customers(session: Session, program_id: str, since: dict[str, Key]) -> None:
    """Put the customers' later conversions on the work list: their order numbers have moved."""
    new = _places("customer_id", since)
    unsettle_where(
        session,
        Conversion.program_id == program_id,
        Conversion.customer_id == new.c.customer_id,
        tuple_(Conversion.event_at, Conversion.id) > tuple_(new.c.event_at, new.c.id),
    )


def unsettle_later_of_orders(session: Session, program_id: str, since: dict[str, Key]) -> None:
    """Put the later conversions of orders on the work list, and those that come after them of their customers: which of
    them is counted has moved."""
    new = _places("order_id", since)
    query = select(Conversion.id, Conversion.event_at, Conversion.customer_id).where(
        Conversion.program_id == program_id,
        Conversion.order_id == new.c.order_id,
        tuple_(Conversion.event_at, Conversion.id) > tuple_(new.c.event_at, new.c.id),
    )
    moved = session.execute(query.order_by(Conversion.event_at.desc(), Conversion.id.desc())).all()
    if moved:
        ids = [row.id for row in moved]
        unsettle_where(session, Conversion.program_id == program_id, Conversion.id == func.any(ids))
        first = {row.customer_id: (row.event_at, row.id) for row in moved if row.customer_id is not None}
        unsettle_later_of_customers(session, program_id, first)


def _places(name: str, since: dict[str, Key]) -> Any:
    return select(
        func.unnest(literal(list(since), ARRAY(Text))).label(name),
        func.unnest(literal([at for at, _ in since.values()], ARRAY(Instant))).label("event_at"),
        func.unnest(literal([identifier for _, identifier in since.values()], ARRAY(Text))).label("id"),
    ).subquery()


def is_unsettled(session: Session, programs: Collection[str]) -> bool:
    """Tell whether anything of these programs is on the work list."""
    return bool(session.scalar(select(exists().where(UnsettledConversion.program_id.in_(programs)))))


def unsettled_places(session: Session, programs: Collection[str]) -> list[Place]:
    """Return the place of every conversion of these programs that is on the work list, in canonical order."""
    place = (UnsettledConversion.event_at, UnsettledConversion.conversion_id, UnsettledConversion.program_id)
    query = select(*place).where(UnsettledConversion.program_id.in_(programs)).order_by(*place)
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class Stored:
    """The decision that stands on a conversion for one partner, as far as deciding it again needs to know."""

    id: str
    digest: str
    decided_at: datetime
    contract: str | None
    adds: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pending:
    """A conversion to decide, with its touches, the decisions it has so far by partner, and the last revision of them."""

    program: str
    id: str
    event_at: datetime
    partner: str | None
    customer_id: str | None
    facts: dict[str, Any]
    received_at: datetime
    order_id: str | None
    # The number of the correction that the facts are from; 0 where they are as they were sent.
    correction: int
    is_unsettled: bool
    touches: Sequence[Touch]
    stored: dict[str | None, Stored]
    revision: int
    reversals: Sequence[Reversal] = ()

    @property
    def place(self) -> Place:
        return self.event_at, self.id, self.program


PLACE_OF_DECISION = (
    Decision.event_at,
    func.coalesce(Decision.conversion_id, func.chr(9).concat(Decision.contract_id)),
    Decision.program_id,
)
"""The place of a decision in canonical order: that of its conversion, or of the day of its deliveries (`days.py`)."""


def decided_under(
    session: Session, contracts: Iterable[str], after: Place, before: datetime, limit: int
) -> list[Place]:
    """Return the places of the first conversions and days behind a place, and before an instant, on which a decision
    under one of these contracts stands, in canonical order."""
    place = PLACE_OF_DECISION
    query = (
        select(*place)
        .distinct()
        .where(
            Decision.contract_id == func.any(list(contracts)),
            Decision.retired_at.is_(None),
            Decision.event_at < before,
            tuple_(*place) > tuple_(*map(literal, after)),
        )
        .order_by(*place)
        .limit(limit)
    )
    return [(row[0], str(row[1]), row[2]) for row in session.execute(query)]


def conversion_ids(session: Session, program_id: str, after: str, limit: int) -> list[str]:
    """Return the ids of a program's conversions from behind one of them on, in order."""
    query = select(Conversion.id).where(Conversion.program_id == program_id, Conversion.id > after)
    return list(session.scalars(query.order_by(Conversion.id).limit(limit)))


def pending_of(session: Session, program_id: str, ids: Sequence[str], *, with_decisions: bool = True) -> list[Pending]:
    """Return these conversions of a program, in canonical order; without decisions, as if none were made on them."""
    listed = UnsettledConversion
    about = (Conversion.received_at, Conversion.order_id, Conversion.corrections)
    columns = (Conversion.id, Conversion.event_at, Conversion.partner, Conversion.customer_id, Conversion.facts)
    query = (
        select(*columns, *about, listed.conversion_id.is_not(None))
        .outerjoin(listed, (listed.conversion_id == Conversion.id) & (listed.program_id == Conversion.program_id))
        .where(Conversion.program_id == program_id, Conversion.id == func.any(list(ids)))
        .order_by(Conversion.event_at, Conversion.id)
    )
    rows = session.execute(query).all()
    touches, reversals = _touches(session, program_id, ids), _reversals(session, program_id, ids)
    stored: dict[str, dict[str | None, Stored]] = _stored(session, program_id, ids) if with_decisions else {}
    revisions: dict[str, int] = {}
    if stored:
        revisions = _revisions(session, program_id, list(stored))
    corrected = facts_corrected(session, program_id, [row.id for row in rows if row.corrections])
    return [
        Pending(
            program_id,
            row[0],
            row[1],
            row[2],
            row[3],
            corrected.get(row[0]) or row[4],
            row[5],
            row[6],
            row[7],
            row[8],
            touches.get(row[0], ()),
            stored.get(row[0], {}),
            revisions.get(row[0], 0),
            reversals.get(row[0], ()),
        )
        for row in rows
    ]


def touches_of(session: Session, program_id: str, conversion_id: str) -> Sequence[Touch]:
    """Return the touches of a conversion, in order of time and id."""
    return _touches(session, program_id, [conversion_id]).get(conversion_id, ())


def _touches(session: Session, program_id: str, ids: Sequence[str]) -> dict[str, list[Touch]]:
    query = select(Touch).where(Touch.program_id == program_id, Touch.conversion_id == func.any(list(ids)))
    found: dict[str, list[Touch]] = {}
    for touch in session.scalars(query.order_by(Touch.conversion_id, Touch.at, Touch.id)):
        found.setdefault(touch.conversion_id, []).append(touch)
    return found


def reversals_of(
    session: Session, program_id: str, conversion_id: str, as_of: datetime | None = None
) -> Sequence[Reversal]:
    """Return the reversals of a conversion in the order they were recorded: all, or those that were recorded by then."""
    found = _reversals(session, program_id, [conversion_id]).get(conversion_id, ())
    return [row for row in found if as_of is None or row.recorded_at <= as_of]


def _reversals(session: Session, program_id: str, ids: Sequence[str]) -> dict[str, list[Reversal]]:
    query = select(Reversal).where(Reversal.conversion_id == func.any(list(ids)), Reversal.program_id == program_id)
    found: dict[str, list[Reversal]] = {}
    for row in session.scalars(query.order_by(Reversal.conversion_id, Reversal.number)):
        found.setdefault(row.conversion_id, []).append(row)
    return found


def add_reversal(session: Session, reversal: Reversal) -> None:
    """Keep a reversal. The program's lock keeps its number its own."""
    session.add(reversal)
    session.flush()


def is_posted(session: Session, decision: Decision) -> bool:
    """Tell whether anything of a conversion stands on a statement of the contract of a decision on it: what a run posted
    and another took back does not."""
    query = (
        select(StatementLine.rule)
        .join(Statement, Statement.id == StatementLine.statement_id)
        .where(StatementLine.conversion_id == decision.conversion_id, Statement.contract_id == decision.contract_id)
        .group_by(StatementLine.rule, StatementLine.part)
        .having(func.sum(StatementLine.amount) != 0)
    )
    return bool(session.scalar(select(query.exists())))


def _stored(session: Session, program_id: str, ids: Sequence[str]) -> dict[str, dict[str | None, Stored]]:
    made = (Decision.id, Decision.digest, Decision.recorded_at, Decision.contract_id, Decision.adds)
    query = select(Decision.conversion_id, Decision.partner, *made).where(
        Decision.program_id == program_id, Decision.conversion_id == func.any(list(ids)), Decision.retired_at.is_(None)
    )
    found: dict[str, dict[str | None, Stored]] = {}
    for row in session.execute(query):
        found.setdefault(row[0], {})[row[1]] = Stored(*row[2:])
    return found


def _revisions(session: Session, program_id: str, ids: Sequence[str]) -> dict[str, int]:
    query = (
        select(Decision.conversion_id, func.max(Decision.revision))
        .where(Decision.program_id == program_id, Decision.conversion_id == func.any(list(ids)))
        .group_by(Decision.conversion_id)
    )
    return {str(row[0]): row[1] for row in session.execute(query)}


_CORRECTED_VALUE = (
    select(Correction.facts["order_value"].astext)
    .where(
        Correction.conversion_id == Conversion.id,
        Correction.program_id == Conversion.program_id,
        Correction.number == Conversion.corrections,
    )
    .correlate(Conversion)
    .scalar_subquery()
)
_ORDER_VALUE = func.cast(func.coalesce(_CORRECTED_VALUE, Conversion.facts["order_value"].astext), Reversal.total.type)
# A conversion that came back as a whole before it was locked is no order of its customer any more.
_UNDONE = exists().where(
    Reversal.conversion_id == Conversion.id,
    Reversal.program_id == Conversion.program_id,
    or_(Reversal.form == "full", Reversal.total >= _ORDER_VALUE),
    Reversal.mode == "restate",
)


def facts_corrected(
    session: Session, program_id: str, ids: Sequence[str], as_of: datetime | None = None
) -> dict[str, dict[str, Any]]:
    """Return the facts of those of these conversions that were corrected, as they are after the last correction, by
    conversion."""
    return {row.conversion_id: row.facts for row in corrections_of(session, program_id, ids, as_of)} if ids else {}


def corrections_of(
    session: Session, program_id: str, ids: Sequence[str], as_of: datetime | None = None
) -> Sequence[Correction]:
    """Return the corrections of conversions in order of their numbers: all, or those that were recorded by then."""
    query = select(Correction).where(
        Correction.conversion_id == func.any(list(ids)), Correction.program_id == program_id
    )
    query = query if as_of is None else query.where(Correction.recorded_at <= as_of)
    return session.scalars(query.order_by(Correction.conversion_id, Correction.number)).all()


def facts_at(session: Session, conversion: Conversion, correction: int) -> dict[str, Any]:
    """Return the facts of a conversion after one of its corrections, or as they were sent."""
    found = session.get(Correction, (conversion.id, conversion.program_id, correction)) if correction else None
    return conversion.facts if found is None else found.facts


def add_correction(session: Session, correction: Correction, customer_id: str | None, order_id: str | None) -> None:
    """Keep a correction, and what its conversion is known by from now on."""
    session.add(correction)
    session.flush()
    known = {"customer_id": customer_id, "order_id": order_id, "corrections": correction.number}
    session.execute(
        update(Conversion)
        .where(Conversion.program_id == correction.program_id, Conversion.id == correction.conversion_id)
        .values(known)
    )


def first_of_orders(session: Session, program_id: str, orders: Collection[str]) -> dict[str, Key]:
    """Return the place of the first conversion of each of these orders in a program, which is the one that counts."""
    query = (
        select(Conversion.order_id, Conversion.event_at, Conversion.id)
        .ext(distinct_on(Conversion.order_id))
        .where(Conversion.program_id == program_id, Conversion.order_id == func.any(list(orders)))
        .order_by(Conversion.order_id, Conversion.event_at, Conversion.id)
    )
    return {str(row[0]): (row[1], row[2]) for row in session.execute(query)} if orders else {}


# An order that is counted already is no further order of its customer.
_EARLIER = aliased(Conversion)
_COUNTED_ALREADY = (
    select(_EARLIER.id)
    .where(
        _EARLIER.program_id == Conversion.program_id,
        _EARLIER.order_id == Conversion.order_id,
        tuple_(_EARLIER.event_at, _EARLIER.id) < tuple_(Conversion.event_at, Conversion.id),
    )
    .exists()
)


def order_numbers(session: Session, program_id: str, customers: Sequence[str]) -> dict[str, int]:
    """Return which order of its customer each conversion of these customers is: 1 for the first in the program; without
    those whose order is counted as another conversion."""
    place = func.row_number().over(partition_by=Conversion.customer_id, order_by=(Conversion.event_at, Conversion.id))
    query = select(Conversion.id, place).where(
        Conversion.program_id == program_id,
        Conversion.customer_id == func.any(list(customers)),
        ~_COUNTED_ALREADY,
        ~_UNDONE,
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
        ~_UNDONE,
        ~_COUNTED_ALREADY,
    )
    return 1 + session.scalar(query)  # type: ignore[operator]


def counter_before(
    session: Session, contracts: Collection[str], counter: Counter, start: datetime, end: Place, customer: str = ""
) -> Decimal:
    """Return what a counter holds over the rated conversions of contracts from `start` up to a place; of one customer,
    where it is per customer."""
    kept_under = (counter.key, counter.measure) if counter.limit else (counter.key,)
    added = func.cast(func.coalesce(*(Decision.adds[key].astext for key in kept_under), "0"), Decision.amount.type)
    query = select(func.coalesce(func.sum(added), 0)).where(
        Decision.contract_id == func.any(list(contracts)),
        Decision.retired_at.is_(None),
        Decision.outcome == "rated",
        Decision.event_at >= start,
        Decision.event_at <= end[0],
        tuple_(*PLACE_OF_DECISION) < tuple_(*map(literal, end)),
    )
    if counter.per == "customer":
        query = query.join(
            Conversion,
            (Conversion.program_id == Decision.program_id) & (Conversion.id == Decision.conversion_id),
        ).where(Conversion.customer_id == customer)
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
    "delivered_on",
    "partner",
    "revision",
    "contract_id",
    "contract_version",
    "event_at",
    "outcome",
    "amount",
    "currency",
    "customer_order_number",
    "reversals",
    "correction",
    "duplicate_of",
    "held_until",
    "locks_at",
    "before",
    "adds",
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


def decisions_at(session: Session, program_id: str, conversion_id: str, as_of: datetime) -> list[Decision]:
    """Return the decisions on a conversion as they stood at an instant, in the order of `leading_first`; none before the
    first."""
    query = select(Decision).where(
        Decision.program_id == program_id,
        Decision.conversion_id == conversion_id,
        Decision.recorded_at <= as_of,
        or_(Decision.retired_at.is_(None), Decision.retired_at > as_of),
    )
    return sorted(session.scalars(query), key=leading_first)


def current_decisions(session: Session, program_id: str, conversion_id: str) -> list[Decision]:
    """Return the decisions on a conversion as they stand, in the order of `leading_first`."""
    query = select(Decision).where(
        Decision.program_id == program_id, Decision.conversion_id == conversion_id, Decision.retired_at.is_(None)
    )
    return sorted(session.scalars(query), key=leading_first)


def leading_first(decision: Decision | DecisionBrief) -> tuple[bool, bool, str]:
    """Sort decisions on one conversion: those that pay, then those under a contract, then by partner."""
    return decision.outcome != "rated", decision.contract_id is None, decision.partner or ""


def decisions_of(session: Session, program_id: str, conversion_id: str, as_of: datetime) -> Sequence[Decision]:
    """Return every decision that was made on a conversion by then, the newest first."""
    query = select(Decision).where(
        Decision.program_id == program_id, Decision.conversion_id == conversion_id, Decision.recorded_at <= as_of
    )
    return session.scalars(query.order_by(Decision.revision.desc(), Decision.partner)).all()


def decided_together(session: Session, row: Decision) -> list[Decision]:
    """Return a decision and those on its conversion for other partners that it was made beside: the last revision of
    each up to its own. Several may be made at one instant, so the instant would not tell."""
    assert row.conversion_id is not None
    every = decisions_of(session, row.program_id, row.conversion_id, datetime.max.replace(tzinfo=UTC))
    last = {decision.partner: decision.revision for decision in reversed(every)}
    found: dict[str | None, Decision] = {}
    for decision in reversed(every):
        is_over = decision.retired_at is not None and decision.retired_at <= row.recorded_at
        if decision.revision > row.revision or (is_over and decision.revision == last[decision.partner]):
            continue
        found[decision.partner] = decision
    return list({**found, row.partner: row}.values())


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """A conversion, or a day of deliveries, whose decision for a partner was retired, by another one if it still concerns
    that partner."""

    conversion: str | None
    delivered_on: date | None
    event_at: datetime
    decision: str
    before: dict[str, Any]
    after: dict[str, Any] | None
    amount_before: Decimal
    amount_after: Decimal


def changes_at(session: Session, program_id: str, at: datetime) -> list[DecisionChange]:
    """Return the decisions that were retired by others at an instant, in canonical order."""
    later = aliased(Decision)
    # One subject at a time, so that each is an equality that an index serves.
    of_conversions = later.conversion_id == Decision.conversion_id
    of_days = (later.contract_id == Decision.contract_id) & (later.delivered_on == Decision.delivered_on)
    found = _changes(session, program_id, at, later, of_conversions, Decision.delivered_on.is_(None))
    found += _changes(session, program_id, at, later, of_days, Decision.delivered_on.is_not(None))
    return sorted(found, key=lambda change: change.event_at)


def _changes(
    session: Session,
    program_id: str,
    at: datetime,
    later: type[Decision],
    of_the_same: ColumnElement[bool],
    of_these: ColumnElement[bool],
) -> list[DecisionChange]:
    query = (
        select(
            Decision.conversion_id,
            Decision.delivered_on,
            Decision.event_at,
            Decision.id,
            Decision.record,
            later.record,
            Decision.amount,
            func.coalesce(later.amount, 0),
        )
        .outerjoin(
            later,
            of_the_same
            & (later.program_id == Decision.program_id)
            & later.partner.is_not_distinct_from(Decision.partner)
            & later.retired_at.is_(None),
        )
        .where(Decision.program_id == program_id, Decision.retired_at == at, of_these)
        .order_by(Decision.event_at, Decision.conversion_id, Decision.partner)
    )
    return [DecisionChange(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class DecisionBrief:
    """The part of a decision that a receipt shows."""

    id: str
    outcome: str
    amount: Decimal
    currency: str
    partner: str | None
    contract_id: str | None


def current_briefs(session: Session, program_id: str, ids: Iterable[str]) -> dict[str, list[DecisionBrief]]:
    """Return the decisions on these conversions as they stand, in brief, by conversion, in the order of
    `leading_first`."""
    shown = (Decision.id, Decision.outcome, Decision.amount, Decision.currency, Decision.partner, Decision.contract_id)
    query = select(Decision.conversion_id, *shown).where(
        Decision.conversion_id == func.any(list(ids)), Decision.program_id == program_id, Decision.retired_at.is_(None)
    )
    found: dict[str, list[DecisionBrief]] = {}
    for row in session.execute(query):
        found.setdefault(str(row[0]), []).append(DecisionBrief(*row[1:]))
    return {conversion: sorted(briefs, key=leading_first) for conversion, briefs in found.items()}


def postings_of(session: Session, program_id: str, conversion_id: str, as_of: datetime) -> dict[str, list[Posted]]:
    """Return what of a conversion was on statements by an instant, by contract, in the order it was posted: one posting a
    run."""
    query = (
        select(Statement.contract_id, Statement.id, Posting.id, Posting.posted_at, func.sum(StatementLine.amount))
        .join(Statement, Statement.id == StatementLine.statement_id)
        .join(Posting, Posting.id == StatementLine.posting_id)
        .join(Decision, Decision.id == StatementLine.decision_id)
        .where(
            StatementLine.conversion_id == conversion_id,
            Decision.program_id == program_id,
            Posting.posted_at <= as_of,
        )
        .group_by(Statement.contract_id, Statement.id, Posting.id)
        .order_by(func.min(StatementLine.position))
    )
    found: dict[str, list[Posted]] = {}
    for row in session.execute(query):
        found.setdefault(row[0], []).append(Posted(*row[1:]))
    return found


def version_decided_under(session: Session, decision: Decision) -> tuple[Contract, ContractVersion] | None:
    """Return the contract and the version of it that a decision was made under, or None where there was none."""
    query = (
        select(Contract, ContractVersion)
        .join(ContractVersion, ContractVersion.contract_id == Contract.id)
        .where(Contract.id == decision.contract_id, ContractVersion.number == decision.contract_version)
    )
    found = session.execute(query).one_or_none()
    return None if found is None else (found[0], found[1])


def programs_with_conversion(session: Session, conversion_id: str) -> list[str]:
    """Return the programs that have a conversion of this id."""
    return list(session.scalars(select(Conversion.program_id).where(Conversion.id == conversion_id)))


def current_records(
    session: Session, program_id: str, ids: Sequence[str] | None = None
) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Return (conversion, partner, record) of the decisions as they stand, of all conversions or of these, in order."""
    query = (
        select(Decision.conversion_id, Decision.partner, Decision.record)
        .where(Decision.program_id == program_id, Decision.conversion_id.is_not(None), Decision.retired_at.is_(None))
        .order_by(Decision.conversion_id, Decision.partner)
    )
    if ids is not None:
        query = query.where(Decision.conversion_id == func.any(list(ids)))
    return [(str(row.conversion_id), row.partner, row.record) for row in session.execute(query)]


def refresh_statistics(session: Session) -> None:
    """Tell the planner what a bulk load has changed. Autovacuum would, a minute too late and never inside a
    transaction; until then a join over tens of thousands of new rows is planned as if there were none."""
    session.execute(text("SELECT refresh_statistics()"))
