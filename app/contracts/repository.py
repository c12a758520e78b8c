"""Every query of the contracts room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session, selectinload

from app.contracts.errors import ContractNotFound, VersionNotFound
from app.contracts.mapping import timezone_of
from app.store.models import (
    Approval,
    ApprovalPolicy,
    Contract,
    ContractVersion,
    Conversion,
    RuleVersion,
    SavedDraft,
)
from app.store.models.contracts import LIMITS_A_PARTNER
from app.store.work_list import concerns, unsettle_day, unsettle_days, unsettle_where


def contract_named(session: Session, contract_id: str, *, lock: bool = False) -> Contract:
    """Return a contract or refuse. With `lock`, wait until nobody else is changing its versions."""
    contract = session.get(Contract, contract_id, with_for_update={"key_share": True} if lock else None)
    if contract is None:
        raise ContractNotFound(f"There is no contract {contract_id!r}.")
    return contract


def contracts_after(session: Session, after: str | None, limit: int, as_of: datetime) -> Sequence[Contract]:
    """Return the contracts there were at an instant in order of id, from behind a cursor."""
    query = select(Contract).where(Contract.created_at <= as_of).order_by(Contract.id).limit(limit)
    return session.scalars(query if after is None else query.where(Contract.id > after)).all()


def contracts_of_program(session: Session, program_id: str) -> Sequence[Contract]:
    """Return all contracts of a program."""
    return session.scalars(select(Contract).where(Contract.program_id == program_id).order_by(Contract.id)).all()


def contract_between(session: Session, program_id: str, partner_id: str) -> Contract | None:
    """Return the contract of a program with a partner, or None."""
    return session.scalar(select(Contract).filter_by(program_id=program_id, partner_id=partner_id))


def contracts_under_partner_limits(session: Session, joining: str | None = None) -> Sequence[Contract]:
    """Return the contracts of every account that a limit per partner is on: those of one partner in one currency and
    direction. Only what is approved counts, now or before; of the contract that is `joining` drafts count as well."""
    is_known = or_(RuleVersion.recorded_at.is_not(None), ContractVersion.contract_id == joining)
    limited = (
        select(Contract.partner_id, Contract.currency, Contract.direction)
        .join(ContractVersion, ContractVersion.contract_id == Contract.id)
        .join(RuleVersion, RuleVersion.contract_version_id == ContractVersion.id)
        .where(LIMITS_A_PARTNER, is_known)
    )
    begun = select(ContractVersion.id).where(
        ContractVersion.contract_id == Contract.id, ContractVersion.recorded_at.is_not(None)
    )
    account = tuple_(Contract.partner_id, Contract.currency, Contract.direction)
    query = select(Contract).where(account.in_(limited), or_(exists(begun), Contract.id == joining))
    return session.scalars(query.order_by(Contract.id)).all()


def versions_of(session: Session, contract_id: str) -> Sequence[ContractVersion]:
    """Return all versions of a contract with their rule versions, by number."""
    return session.scalars(
        select(ContractVersion)
        .where(ContractVersion.contract_id == contract_id)
        .order_by(ContractVersion.number)
        .options(selectinload(ContractVersion.rule_versions))
        .execution_options(populate_existing=True)
    ).all()


def version_numbered(session: Session, contract_id: str, number: int) -> ContractVersion:
    """Return one version of a contract with its rule versions, or refuse."""
    contract_named(session, contract_id)
    found = [version for version in versions_of(session, contract_id) if version.number == number]
    if not found:
        raise VersionNotFound(f"The contract {contract_id!r} has no version {number}.")
    return found[0]


def rule_version_numbered(version: ContractVersion, kind: str, number: int) -> RuleVersion:
    """Return one rule version of a contract version, or refuse."""
    found = [rule for rule in version.rule_versions if (rule.kind, rule.number) == (kind, number)]
    if not found:
        raise VersionNotFound(f"Version {version.number} of {version.contract_id} has no {kind} rule version {number}.")
    return found[0]


def is_in_timeline(version: ContractVersion | RuleVersion) -> bool:
    """Tell whether a version is approved and not retired."""
    return version.recorded_at is not None and version.retired_at is None


def next_start(versions: Sequence[ContractVersion], version: ContractVersion) -> datetime | None:
    """Return where the approved version after this one starts, or None when it has no end."""
    starts = [v.starts_at for v in versions if is_in_timeline(v) and v.starts_at > version.starts_at]
    return min(starts, default=None)


def unsettle(session: Session, contract: Contract, start: datetime | None, end: datetime | None) -> int:
    """Put the conversions that concern the contract's partner, from `start` up to `end`, on the work list of settling;
    return how many they are."""
    governed = [Conversion.program_id == contract.program_id, concerns(contract.partner_id)]
    if start is not None:
        governed.append(Conversion.event_at >= start)
    if end is not None:
        governed.append(Conversion.event_at < end)
    unsettle_where(session, *governed)
    if start is not None:
        _unsettle_days(session, contract, start, end)
    return session.scalar(select(func.count()).select_from(Conversion).where(*governed)) or 0


def _unsettle_days(session: Session, contract: Contract, start: datetime, end: datetime | None) -> None:
    """Have the deliveries of the days from one instant on to another decided again. The first day is looked at even if
    there was nothing on it, so that what is due by itself from then on is found."""
    timezone = timezone_of(contract)
    first = start.astimezone(timezone).date()
    until = None if end is None else end.astimezone(timezone).date() + timedelta(days=1)
    unsettle_days(session, contract.program_id, contract.id, first, until)
    unsettle_day(session, contract.program_id, contract.id, first, start)


def retire(session: Session, version: ContractVersion | RuleVersion, at: datetime, **why: str | None) -> None:
    """Retire an approved version at once, ahead of what else the session holds: the database looks at each row by
    itself, so the old start has to be gone before the new one is there."""
    table = type(version)
    with session.no_autoflush:
        session.execute(update(table).where(table.id == version.id).values(retired_at=at, **why))


def replaced_by(session: Session, version_id: str) -> str | None:
    """Return a version whose place this one took at the same start, or None."""
    for table in (ContractVersion, RuleVersion):
        found = session.scalar(select(table.id).where(table.replaced_by == version_id).limit(1))
        if found is not None:
            return found
    return None


def saved_drafts(session: Session, ids: Sequence[str], as_of: datetime) -> Sequence[SavedDraft]:
    """Return what drafts said each time they were saved by an instant, in order."""
    query = select(SavedDraft).where(SavedDraft.version_id.in_(ids), SavedDraft.saved_at <= as_of)
    return session.scalars(query.order_by(SavedDraft.version_id, SavedDraft.revision)).all()


def approvals_of(session: Session, ids: Sequence[str], as_of: datetime) -> Sequence[Approval]:
    """Return the approvals that versions had by an instant, in order."""
    of_these = or_(Approval.contract_version_id.in_(ids), Approval.rule_version_id.in_(ids))
    query = select(Approval).where(of_these, Approval.approved_at <= as_of)
    return session.scalars(query.order_by(Approval.approved_at, Approval.approver)).all()


def policies_of(session: Session, program_id: str) -> Sequence[ApprovalPolicy]:
    """Return the approval policies a program has had, in order."""
    query = select(ApprovalPolicy).where(ApprovalPolicy.program_id == program_id)
    return session.scalars(query.order_by(ApprovalPolicy.number)).all()


def expiries_until(session: Session, last: datetime, as_of: datetime) -> Sequence[ContractVersion]:
    """Return the ends of terms up to an instant, as they were known at another, in order."""
    query = select(ContractVersion).where(
        ContractVersion.kind == "expiry",
        ContractVersion.effective_from <= last,
        ContractVersion.recorded_at <= as_of,
        or_(ContractVersion.retired_at.is_(None), ContractVersion.retired_at > as_of),
    )
    return session.scalars(query.order_by(ContractVersion.effective_from, ContractVersion.contract_id)).all()


def versions_of_contracts(session: Session, ids: Sequence[str]) -> dict[str, list[ContractVersion]]:
    """Return the versions of several contracts, without their rules."""
    query = select(ContractVersion).where(ContractVersion.contract_id.in_(ids)).order_by(ContractVersion.number)
    found: dict[str, list[ContractVersion]] = {identifier: [] for identifier in ids}
    for version in session.scalars(query):
        found[version.contract_id].append(version)
    return found
