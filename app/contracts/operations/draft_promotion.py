"""Draft a promotion: terms for a time, and the former terms again from its end. Two starts in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.contracts.base import base_in_force
from app.contracts.drafting import read_start
from app.contracts.lifecycle import governs_from
from app.contracts.mapping import timezone_of
from app.contracts.operations.draft_version import record_drafted
from app.contracts.proposals import Draft, Proposal, propose, refusal
from app.contracts.repository import contract_named, is_in_timeline, versions_of
from app.contracts.writing import add_versions
from app.core.errors import Finding
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import Contract, ContractVersion


def draft_promotion(
    ctx: Context,
    *,
    contract: str,
    effective_from: str,
    until: str,
    rules: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    backdated: str | None = None,
    reason: str | None = None,
) -> list[ContractVersion]:
    """Draft the promotion and the version that restores, at `until`, what is in force then without it.

    They are one bundle, approved together, so that a promotion cannot begin without an end. Where another version
    starts at `until` already, that one ends the promotion.
    """
    row = contract_named(ctx.session, contract, lock=True)
    versions = versions_of(ctx.session, contract)
    asked = Proposal(effective_from, rules or {}, params or {}, {}, "promotion", None, backdated, reason)
    promotion = propose(ctx, row, versions, asked)
    restoration = _restoration(ctx, row, versions, promotion, until)
    rows = add_versions(ctx, row, versions, [promotion] if restoration is None else [promotion, restoration])
    record_drafted(ctx, rows)
    return rows


def _restoration(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], promotion: Draft, until: str
) -> Draft | None:
    end = read_start(until, timezone_of(contract), "/until")
    if isinstance(end, Finding):
        raise refusal([end])
    start = governs_from(promotion.start, promotion.backdated, ctx.now())
    if end <= start:
        message = f"the promotion ends at {write_instant(end)}, which is not after its start at {write_instant(start)}"
        raise refusal([Finding("starts_rise", message, "/until", "choose a later end")])
    if base_in_force(ctx, contract, versions, start, ctx.now()) is None:
        message = "a promotion interrupts other terms, and there are none at its start"
        raise refusal([Finding("rules_missing", message, "/effective_from", "draft these terms as a version first")])
    inside = [version for version in versions if is_in_timeline(version) and start < version.starts_at <= end]
    if any(version.starts_at == end for version in inside) and len(inside) == 1:
        return None
    if inside:
        begins = write_instant(inside[0].starts_at)
        message = f"version {inside[0].number} starts at {begins}, inside the promotion, and would end it"
        raise refusal([Finding("outside_contract_version", message, "/until", "let the promotion end there")])
    return propose(
        ctx, contract, versions, Proposal(until, kind="restoration", backdated=promotion.backdated), "/until"
    )
