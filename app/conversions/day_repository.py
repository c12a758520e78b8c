"""The queries about deliveries that settling needs: which days wait, what was counted on them, what stands on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, delete, exists, func, or_, select, true
from sqlalchemy.orm import Session

from app.conversions.errors import DecisionNotFound
from app.conversions.repository import Place, Stored
from app.core.as_of import when_asked
from app.store.models import Decision, Delivery, DeliveryAdjustment, UnsettledDay

MARK = "\t"
"""Before the contract's id in the place of a day. No conversion's id has it, and each sorts behind it."""


def place_of_day(program: str, contract: str, begins_at: datetime) -> Place:
    """Return the place of a contract's day in canonical order."""
    return begins_at, MARK + contract, program


def is_of_day(place: Place) -> bool:
    """Tell whether a place is that of a day of deliveries."""
    return place[1].startswith(MARK)


def contract_at(place: Place) -> str:
    """Return the contract whose day is at a place."""
    return place[1].removeprefix(MARK)


@dataclass(frozen=True, slots=True)
class PendingDay:
    """A contract's local day to decide: what was counted and agreed, the decision it has so far, and its revision."""

    contract: str
    delivered_on: date
    place: Place
    is_unsettled: bool
    deliveries: Sequence[Delivery] = ()
    adjustments: Sequence[DeliveryAdjustment] = ()
    stored: Stored | None = None
    revision: int = 0

    @property
    def event_at(self) -> datetime:
        """The instant at which the day begins."""
        return self.place[0]

    @property
    def program(self) -> str:
        return self.place[2]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that a decision could be about."""
        return not self.deliveries and not self.adjustments and self.stored is None


def has_due_days(session: Session, programs: Collection[str], now: datetime) -> bool:
    """Tell whether deliveries of these programs wait for a decision that is due."""
    query = exists().where(UnsettledDay.program_id.in_(programs), UnsettledDay.due_at <= now)
    return bool(session.scalar(select(query)))


def due_days_of(session: Session, programs: Collection[str], now: datetime) -> dict[str, list[date]]:
    """Return the days of deliveries of these programs that wait for a decision and are due, by contract, in order."""
    listed = UnsettledDay
    query = select(listed.contract_id, listed.delivered_on).where(listed.program_id.in_(programs), listed.due_at <= now)
    found: dict[str, list[date]] = {}
    for contract, day in session.execute(query.order_by(listed.contract_id, listed.delivered_on)):
        found.setdefault(contract, []).append(day)
    return found


def decided_days(session: Session, contract_id: str, since: date) -> frozenset[date]:
    """Return the days from a day on on which a decision on deliveries stands."""
    query = select(Decision.delivered_on).where(
        Decision.contract_id == contract_id, Decision.delivered_on >= since, Decision.retired_at.is_(None)
    )
    return frozenset(day for day in session.scalars(query) if day is not None)


def pending_days(
    session: Session, wanted: Sequence[tuple[str, date, Place]], unsettled: frozenset[tuple[str, date]]
) -> list[PendingDay]:
    """Return days, each named with its contract and its place, with everything known of them."""
    if not wanted:
        return []
    contracts, days = [contract for contract, _, _ in wanted], [day for _, day, _ in wanted]
    deliveries: dict[tuple[str, date], list[Delivery]] = {}
    adjustments: dict[tuple[str, date], list[DeliveryAdjustment]] = {}
    for row in session.scalars(select(Delivery).where(_of_days(Delivery, contracts, days))):
        deliveries.setdefault((row.contract_id, row.delivered_on), []).append(row)
    for each in session.scalars(select(DeliveryAdjustment).where(_of_days(DeliveryAdjustment, contracts, days))):
        adjustments.setdefault((each.contract_id, each.delivered_on), []).append(each)
    stored, revisions = _stored(session, contracts, days)
    return [
        PendingDay(
            contract,
            day,
            place,
            (contract, day) in unsettled,
            deliveries.get((contract, day), ()),
            adjustments.get((contract, day), ()),
            stored.get((contract, day)),
            revisions.get((contract, day), 0),
        )
        for contract, day, place in wanted
    ]


def _of_days(table: type[Delivery] | type[DeliveryAdjustment] | type[Decision], contracts: list[str], days: list[date]):  # type: ignore[no-untyped-def]
    return and_(table.contract_id == func.any(contracts), table.delivered_on == func.any(days))


def _stored(
    session: Session, contracts: list[str], days: list[date]
) -> tuple[dict[tuple[str, date], Stored], dict[tuple[str, date], int]]:
    made = (Decision.id, Decision.digest, Decision.recorded_at, Decision.contract_id, Decision.adds)
    query = select(Decision.contract_id, Decision.delivered_on, Decision.revision, Decision.retired_at, *made)
    stored: dict[tuple[str, date], Stored] = {}
    revisions: dict[tuple[str, date], int] = {}
    for row in session.execute(query.where(_of_days(Decision, contracts, days))):
        key = (row[0], row[1])
        revisions[key] = max(revisions.get(key, 0), row[2])
        if row[3] is None:
            stored[key] = Stored(*row[4:])
    return stored, revisions


def take_days_off(session: Session, days: Iterable[tuple[str, date]]) -> None:
    """Take days off the work list: they have the decision they should have."""
    for contract, day in days:
        session.execute(
            delete(UnsettledDay)
            .where(UnsettledDay.contract_id == contract, UnsettledDay.delivered_on == day)
            .execution_options(synchronize_session=False)
        )


def adjustments_named(session: Session, contract_id: str, ids: Sequence[str]) -> Sequence[DeliveryAdjustment]:
    """Return adjustments of a contract by their ids."""
    query = select(DeliveryAdjustment).where(
        DeliveryAdjustment.contract_id == contract_id, DeliveryAdjustment.id == func.any(list(ids))
    )
    return session.scalars(query.order_by(DeliveryAdjustment.id)).all()


def deliveries_on(session: Session, contract_id: str, day: date) -> Sequence[Delivery]:
    """Return every revision of what was counted of a contract's day, in order."""
    query = select(Delivery).where(Delivery.contract_id == contract_id, Delivery.delivered_on == day)
    return session.scalars(query.order_by(Delivery.placement, Delivery.source, Delivery.revision)).all()


def day_decisions(session: Session, contract_id: str, day: date, as_of: datetime) -> Sequence[Decision]:
    """Return every decision that was made on a contract's day by then, the newest first."""
    query = select(Decision).where(
        Decision.contract_id == contract_id, Decision.delivered_on == day, Decision.recorded_at <= as_of
    )
    return session.scalars(query.order_by(Decision.revision.desc())).all()


def day_decision_at(session: Session, contract_id: str, day: date, as_of: datetime) -> Decision:
    """Return the decision that stood on a contract's day at an instant, or refuse."""
    standing = or_(Decision.retired_at.is_(None), Decision.retired_at > as_of)
    query = select(Decision).where(
        Decision.contract_id == contract_id, Decision.delivered_on == day, Decision.recorded_at <= as_of, standing
    )
    found = session.scalar(query)
    if found is None:
        raise DecisionNotFound(f"There is no decision on the deliveries of {contract_id} on {day}{when_asked(as_of)}.")
    return found


def day_records(session: Session, program_id: str, contracts: Sequence[str] | None = None) -> list[Decision]:
    """Return the decisions on deliveries as they stand, of a program or of some of its contracts, in order."""
    of_these = true() if contracts is None else Decision.contract_id == func.any(list(contracts))
    query = select(Decision).where(
        Decision.program_id == program_id,
        Decision.delivered_on.is_not(None),
        Decision.retired_at.is_(None),
        of_these,
    )
    return list(session.scalars(query.order_by(Decision.contract_id, Decision.delivered_on)))
