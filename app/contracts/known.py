"""Versions as they were known at an instant: what drafts said before they were edited, who had approved them by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.contracts.content import content_data
from app.contracts.errors import VersionNotFound
from app.contracts.repository import approvals_of, contract_named, saved_drafts, versions_of
from app.contracts.status import version_status
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import Approval, ContractVersion, SavedDraft


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
    # What rule versions said then that have been edited since, by id.
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
    contract_named(ctx.session, contract)
    versions = versions_of(ctx.session, contract)
    shown = [row for row in versions if row.created_at <= as_of and (numbers is None or row.number in numbers)]
    ids = [row.id for row in shown] + [rule.id for row in shown for rule in row.rule_versions]
    saved: dict[str, list[SavedDraft]] = {}
    for draft in saved_drafts(ctx.session, ids, as_of):
        saved.setdefault(draft.version_id, []).append(draft)
    approvals: dict[str, list[dict[str, Any]]] = {}
    for approval in approvals_of(ctx.session, ids, as_of):
        of = approval.contract_version_id or approval.rule_version_id or ""
        approvals.setdefault(of, []).append(_approval_data(approval))
    return [_known(row, versions, as_of, saved, approvals) for row in shown]


def _known(
    row: ContractVersion,
    versions: Sequence[ContractVersion],
    as_of: datetime,
    saved: dict[str, list[SavedDraft]],
    approvals: dict[str, list[dict[str, Any]]],
) -> KnownVersion:
    drafts = saved.get(row.id, [])
    last = drafts[-1] if drafts else None
    content = content_data(row) if last is None or last.revision == row.revision else last.content
    edited = {
        rule.id: of_rule[-1].content
        for rule in row.rule_versions
        if (of_rule := saved.get(rule.id)) and of_rule[-1].revision != rule.revision
    }
    return KnownVersion(
        row=row,
        as_of=as_of,
        status=version_status(row, versions, as_of, as_of),
        revision=row.revision if last is None else last.revision,
        bundle=row.bundle if any(_is_beside(row, other, as_of) for other in versions) else None,
        editors=list(row.editors) if last is None else list(dict.fromkeys(draft.saved_by for draft in drafts)),
        content=content,
        saved=edited,
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
