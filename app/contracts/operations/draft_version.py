"""Draft a contract version: terms from a date on, or a termination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.audit.record import record
from app.contracts.content import content_data
from app.contracts.proposals import Proposal, propose
from app.contracts.repository import contract_named, version_numbered, versions_of
from app.contracts.writing import add_versions
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import ContractVersion


def draft_version(
    ctx: Context,
    *,
    contract: str,
    effective_from: str,
    rules: Mapping[str, Any] | None = None,
    termination: bool = False,
    base: int | None = None,
    backdated: str | None = None,
    params: Mapping[str, Any] | None = None,
    reason: str | None = None,
    **attributes: Any,
) -> ContractVersion:
    """Write a draft of the next version of a contract.

    Kinds of rules that are not given, parameters and attributes (`value`, `ends_on`, `renewal`, `settlement`) are taken
    over from the version `base`, or from the one that is in force at the start. A version whose term ends is drafted
    together with that end. Raises VersionRefused with every finding; nothing is written then.
    """
    kind = "termination" if termination else None
    asked = Proposal(effective_from, rules or {}, params or {}, attributes, kind, base, backdated, reason)
    row = contract_named(ctx.session, contract, lock=True)
    versions = versions_of(ctx.session, contract)
    rows = add_versions(ctx, row, versions, [propose(ctx, row, versions, asked)])
    record_drafted(ctx, rows)
    return version_numbered(ctx.session, contract, rows[0].number)


def record_drafted(ctx: Context, rows: list[ContractVersion]) -> None:
    """Note each version that was drafted, with everything it says."""
    for row in rows:
        start = write_instant(row.effective_from)
        summary = f"{row.kind.capitalize()} of {row.contract_id} drafted as {row.id} from {start}"
        record(ctx, "contract_version.drafted", row.id, summary, after=content_data(row))
    ctx.session.flush()
