"""Edit a draft: what it says is replaced, and whoever edited it cannot approve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.audit.record import record
from app.contracts import lifecycle
from app.contracts.bundles import bundle_of, refuse_follower, refuse_part
from app.contracts.content import content_data, rule_content_data
from app.contracts.operations.draft_rule_version import read_rule_version
from app.contracts.proposals import Draft, Proposal, propose, refusal
from app.contracts.repository import contract_named, rule_version_numbered, version_numbered, versions_of
from app.contracts.writing import expiry_of, fill, mark_edited, new_row, save
from app.core.errors import Finding
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion

Check = Callable[[Any], None]
"""Holds what is there, once it is locked, against what the editor has seen."""


def edit_version(
    ctx: Context,
    *,
    contract: str,
    number: int,
    effective_from: str,
    rules: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    termination: bool = False,
    base: int | None = None,
    backdated: str | None = None,
    reason: str | None = None,
    check: Check | None = None,
    **attributes: Any,
) -> ContractVersion:
    """Replace what a drafted contract version says. It is read as if it were drafted now."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    if check is not None:
        check(version)
    lifecycle.require_draft(version)
    refuse_follower(version)
    kind = "termination" if termination else _kept_kind(version)
    asked = Proposal(effective_from, rules or {}, params or {}, attributes, kind, base, backdated, reason)
    versions = versions_of(ctx.session, contract)
    draft = propose(ctx, row, versions, asked)
    _require_order(versions, version, draft)
    return rewrite(ctx, row, versions, version, draft)


def rewrite(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], version: ContractVersion, draft: Draft
) -> ContractVersion:
    """Let a drafted version say what a draft says, and let its term end where that says."""
    before = content_data(version)
    fill(ctx, version, draft)
    ctx.session.flush()
    save(ctx, version)
    _record_edit(ctx, version.id, "contract_version.edited", before, content_data(version))
    _keep_end_of_term(ctx, contract, versions, version, draft)
    return version_numbered(ctx.session, contract.id, version.number)


def edit_rule_version(
    ctx: Context,
    *,
    contract: str,
    number: int,
    kind: str,
    rule_number: int,
    effective_from: str,
    body: Any,
    backdated: str | None = None,
    reason: str | None = None,
    check: Check | None = None,
) -> RuleVersion:
    """Replace what a drafted rule version of an approved contract version says."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    rule = rule_version_numbered(version, kind, rule_number)
    if check is not None:
        check(version)
    refuse_part(version, rule)
    lifecycle.require_draft(rule)
    draft = read_rule_version(ctx, row, version, kind, effective_from, body, backdated, reason)
    before = rule_content_data(rule)
    rule.effective_from, rule.body, rule.hash = draft.effective_from, draft.body, draft.hash
    rule.backdated, rule.reason, rule.is_inherited = backdated, reason, False
    mark_edited(ctx, rule)
    ctx.session.flush()
    save(ctx, rule)
    _record_edit(ctx, rule.id, "rule_version.edited", before, rule_content_data(rule))
    return rule


def _kept_kind(version: ContractVersion) -> str | None:
    """A promotion stays one, and so does what follows it; else what a version is depends on what it says."""
    return version.kind if version.kind in ("promotion", "restoration") else None


def _require_order(versions: Sequence[ContractVersion], version: ContractVersion, draft: Draft) -> None:
    """A promotion begins before what follows it; the other way round it would have no end."""
    starts = {other.kind: other.effective_from for other in bundle_of(versions, version)} | {version.kind: draft.start}
    if not {"promotion", "restoration"} <= starts.keys() or starts["promotion"] < starts["restoration"]:
        return
    message = (
        f"the promotion starts at {write_instant(starts['promotion'])}, which is not before its end at "
        f"{write_instant(starts['restoration'])}"
    )
    raise refusal([Finding("starts_rise", message, "/effective_from", "edit the other one of the two first")])


def _keep_end_of_term(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], version: ContractVersion, draft: Draft
) -> None:
    """Move, add or withdraw the end of the term that was drafted with a version."""
    ends = [other for other in bundle_of(versions, version) if other.kind == "expiry"]
    if draft.expires_at is None:
        for end in ends:
            lifecycle.withdraw(end, ctx.actor, ctx.now(), f"{version.id} has no such end any more")
            record(ctx, "contract_version.withdrawn", end.id, f"{end.id} withdrawn: the term does not end there")
        ctx.session.flush()
        return
    version.bundle = version.bundle or version.number
    if not ends:
        number = 1 + max(other.number for other in versions)
        ends = [new_row(ctx, contract, number, version.bundle)]
        ctx.session.add(ends[0])
    before = content_data(ends[0]) if ends[0].revision else None
    fill(ctx, ends[0], expiry_of(draft, version.number))
    ctx.session.flush()
    save(ctx, ends[0])
    _record_edit(ctx, ends[0].id, "contract_version.edited", before, content_data(ends[0]))


def _record_edit(ctx: Context, subject: str, action: str, before: Any, after: dict[str, Any]) -> None:
    record(ctx, action, subject, f"{subject} edited by {ctx.actor}", before=before, after=after)
    ctx.session.flush()
