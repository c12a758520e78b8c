"""Which contracts have to be renewed, or end: found by looking, so that nothing depends on a job that ran."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.contracts.attributes import MAX_NOTICE_DAYS
from app.contracts.mapping import timezone_of
from app.contracts.repository import contract_named, expiries_until, versions_of_contracts
from app.contracts.status import state_at
from app.core.instants import start_of_day
from app.core.timeline import was_known
from app.runtime import Context
from app.store.models import Contract, ContractVersion


@dataclass(frozen=True, slots=True)
class RenewalDue:
    """A term that ends and is not renewed, and from when on something has to be done about it."""

    contract: Contract
    version: ContractVersion
    ends_at: datetime
    ends_on: date
    notice_on: date
    draft: int | None

    @property
    def mode(self) -> str:
        """How it was agreed to go on: `fixed`, or `none`, when it just ends."""
        return str((self.version.renewal or {"mode": "none"})["mode"])


def renewals_due(ctx: Context, *, by: datetime | None = None, as_of: datetime | None = None) -> list[RenewalDue]:
    """Return the terms whose day of notice has come by an instant and that are not renewed, in order of their end.

    `draft` is the number of a renewal that is drafted or submitted already.
    """
    known_at = as_of or ctx.now()
    then = by or known_at
    ends = expiries_until(ctx.session, then + timedelta(days=MAX_NOTICE_DAYS + 2), known_at)
    found = versions_of_contracts(ctx.session, sorted({end.contract_id for end in ends}))
    due = []
    for end in ends:
        versions = found[end.contract_id]
        known = [version for version in versions if was_known(version, known_at)]
        before = [version for version in known if version.starts_at < end.starts_at and not version.is_termination]
        if not before or any(v.starts_at > end.starts_at and not v.is_termination for v in known):
            continue
        last = max(before, key=lambda version: version.starts_at)
        if any(last.starts_at < version.starts_at < end.starts_at for version in known):
            continue  # the terms end before that, at an earlier end or with a termination
        one = _due(contract_named(ctx.session, end.contract_id), last, end, versions, known_at)
        if start_of_day(one.notice_on, timezone_of(one.contract)) <= then:
            due.append(one)
    return due


def _due(
    contract: Contract,
    version: ContractVersion,
    end: ContractVersion,
    versions: list[ContractVersion],
    known_at: datetime,
) -> RenewalDue:
    ends_on = end.starts_at.astimezone(timezone_of(contract)).date()
    notice = int((version.renewal or {}).get("notice_days") or 0)
    drafts = [
        other.number
        for other in versions
        if other.effective_from == end.starts_at
        and other.created_at <= known_at
        and state_at(other, known_at) in ("draft", "submitted")
    ]
    return RenewalDue(
        contract, version, end.starts_at, ends_on, ends_on - timedelta(days=notice), max(drafts, default=None)
    )
