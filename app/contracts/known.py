"""Versions as they were known at an instant: what drafts said before they were edited, who had approved them by then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.contracts.content import content_data
from app.contracts.errors import ContractNotFound, VersionNotFound
from app.contracts.repository import approvals_of, contract_named, saved_drafts, version_numbered, versions_of
from app.contracts.status import version_status
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import Approval, Contract, ContractVersion, RuleVersion, SavedDraft


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A contract version as it was known at `as_of`."""

    row: ContractVersion
    as_of: datetime
    status: str
    revision: int
    # An edit can make a version part of a bundle: it is one from when there are others in it.
    bundle: int | None
    editors: list[str]
    content: dict[str, Any]
    # What rule versions that were drafted by themselves said then, by id.
    saved: dict[str, dict[str, Any]]
    approvals: dict[str, list[dict[str, Any]]]


def known_version(ctx: Context, contract: str, number: int, as_of: datetime) -> KnownVersion:
    """Return one version as it was known, or refuse: there was none of this number then."""
    found = known_versions(ctx, contract, as_of, [number])
    if not found:
        raise VersionNotFound(f"The contract {contract!r} has no version {number}.")
    return found[0]


def known_versions(
    ctx: Context, contract: str, as_of: datetime, numbers: Sequence[int] | None = None
) -> list[KnownVersion]:
    """Return the versions of a contract that had been drafted by then, or those of these numbers, in order."""
    require_known(contract_named(ctx.session, contract), as_of)
    versions = versions_of(ctx.session, contract)
    shown = [row for row in versions if row.created_at <= as_of and (numbers is None or row.number in numbers)]
    if ctx.partner is not None:  # to whom drafts are not shown, and so not as of the time when they were drafts
        shown = [row for row in shown if row.recorded_at is None or row.recorded_at <= as_of]
    ids = [row.id for row in shown] + [rule.id for row in shown for rule in row.rule_versions]
    saved: dict[str, list[SavedDraft]] = {}
    for draft in saved_drafts(ctx.session, ids, as_of):
        saved.setdefault(draft.version_id, []).append(draft)
    approvals: dict[str, list[dict[str, Any]]] = {}
    for approval in approvals_of(ctx.session, ids, as_of):
        of = approval.contract_version_id or approval.rule_version_id or ""
        approvals.setdefault(of, []).append(_approval_data(approval))
    return [_known(row, versions, as_of, saved, approvals) for row in shown]


def present_version(ctx: Context, contract: str, number: int) -> KnownVersion:
    """Return one version as it is, whatever was written since this unit of work began: it may have waited for the writer,
    and servers' clocks differ."""
    row = version_numbered(ctx.session, contract, number)
    rows: list[ContractVersion | RuleVersion] = [row, *row.rule_versions]
    return known_version(ctx, contract, number, max([ctx.now(), *(at for one in rows for at in _written_at(one))]))


def _written_at(row: ContractVersion | RuleVersion) -> Iterator[datetime]:
    """Yield every instant at which something of a version was written."""
    for at in (row.edited_at, row.submitted_at, row.recorded_at, row.closed_at, row.retired_at):
        if at is not None:
            yield at


def require_known(contract: Contract, as_of: datetime) -> None:
    """Refuse a contract that there was not yet at an instant, in the words of one that there is not."""
    if contract.created_at > as_of:
        raise ContractNotFound(f"There is no contract {contract.id!r}.")


def _known(
    row: ContractVersion,
    versions: Sequence[ContractVersion],
    as_of: datetime,
    saved: dict[str, list[SavedDraft]],
    approvals: dict[str, list[dict[str, Any]]],
) -> KnownVersion:
    drafts = saved.get(row.id, [])
    last = drafts[-1] if drafts else None
    of_rules = {rule.id: saved[rule.id][-1].content for rule in row.rule_versions if rule.id in saved}
    return KnownVersion(
        row=row,
        as_of=as_of,
        status=version_status(row, versions, as_of, as_of),
        revision=row.revision if last is None else last.revision,
        bundle=row.bundle if any(_is_beside(row, other, as_of) for other in versions) else None,
        editors=list(row.editors) if last is None else list(dict.fromkeys(draft.saved_by for draft in drafts)),
        content=content_data(row) if last is None else last.content,
        saved=of_rules,
        approvals=approvals,
    )


def _is_beside(row: ContractVersion, other: ContractVersion, as_of: datetime) -> bool:
    return other.bundle == row.bundle and other.id != row.id and other.created_at <= as_of


def _approval_data(approval: Approval) -> dict[str, Any]:
    return {
        "approver": approval.approver,
        "approved_at": write_instant(approval.approved_at),
        "reason": approval.reason,
        "content_hash": approval.content_hash,
    }
