"""Draft the reinstatement of a contract whose terms have ended: the terms it had, again, from a date on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.contracts.base import has_ended
from app.contracts.drafting import read_start
from app.contracts.errors import NothingToReinstate
from app.contracts.mapping import timezone_of
from app.contracts.operations.draft_version import record_drafted
from app.contracts.proposals import Proposal, propose, refusal
from app.contracts.repository import contract_named, version_numbered, versions_of
from app.contracts.writing import add_versions
from app.core.errors import Finding
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import ContractVersion


def reinstate_contract(
    ctx: Context,
    *,
    contract: str,
    effective_from: str,
    base: int | None = None,
    rules: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    backdated: str | None = None,
    reason: str | None = None,
    **attributes: Any,
) -> ContractVersion:
    """Draft a version with the terms the contract had before they ended, or with those of the version `base`.

    With a start at the very instant of the termination, it takes the termination's place and nothing was interrupted.
    """
    row = contract_named(ctx.session, contract, lock=True)
    versions = versions_of(ctx.session, contract)
    start = read_start(effective_from, timezone_of(row), "/effective_from")
    if isinstance(start, Finding):
        raise refusal([start])
    if has_ended(ctx, row, versions, start) is None:
        raise NothingToReinstate(
            f"The contract {contract!r} has not ended at {write_instant(start)}. Draft a version to change its terms."
        )
    asked = Proposal(effective_from, rules or {}, params or {}, attributes, "reinstatement", base, backdated, reason)
    rows = add_versions(ctx, row, versions, [propose(ctx, row, versions, asked)])
    record_drafted(ctx, rows)
    return version_numbered(ctx.session, contract, rows[0].number)
