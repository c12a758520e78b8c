"""Put a version in force, or retire it, for a moment: what it would change can be looked at before anybody approves it.

Whoever calls this works inside a savepoint and takes it back. Approvals are given by nobody real.
"""

from __future__ import annotations

from typing import Literal

from app.contracts import lifecycle
from app.contracts.bundles import bundle_of, refuse_part
from app.contracts.errors import WrongState
from app.contracts.operations.approve_version import (
    approve_rule_version,
    approve_version,
    approvers_of,
)
from app.contracts.operations.retire_version import retire_rule_version, retire_version
from app.contracts.repository import rule_version_numbered, version_numbered, versions_of
from app.runtime import Context
from app.store.models import ContractVersion, RuleVersion

Rehearsed = Literal["approve", "retire"]
REHEARSAL = "(rehearsal)"


def rehearse_version(ctx: Context, *, contract: str, number: int) -> Rehearsed:
    """Approve a version that is drafted or submitted; retire one that is approved. Refuses what would be refused then."""
    version = version_numbered(ctx.session, contract, number)
    if version.state == "approved":
        retire_version(ctx.acting_as(REHEARSAL), contract=contract, number=number, reason=REHEARSAL)
        return "retire"
    _require_open(version)
    for member in bundle_of(versions_of(ctx.session, contract), version):
        if member.state == "draft":
            lifecycle.submit(member, REHEARSAL, ctx.now(), 1, [])
            for rule in member.rule_versions:
                lifecycle.submit(rule, REHEARSAL, ctx.now(), 1, [])
    ctx.session.flush()
    for person in range((version.approvals_needed or 1) - len(approvers_of(ctx, version))):
        approve_version(ctx.acting_as(f"{REHEARSAL} {person}"), contract=contract, number=number)
    return "approve"


def rehearse_rule_version(ctx: Context, *, contract: str, number: int, kind: str, rule_number: int) -> Rehearsed:
    """The same for a rule version."""
    version = version_numbered(ctx.session, contract, number)
    rule = rule_version_numbered(version, kind, rule_number)
    which = {"contract": contract, "number": number, "kind": kind, "rule_number": rule_number}
    if rule.state == "approved":
        retire_rule_version(ctx.acting_as(REHEARSAL), **which, reason=REHEARSAL)  # type: ignore[arg-type]
        return "retire"
    _require_open(rule)
    refuse_part(version, rule)
    if rule.state == "draft":
        lifecycle.submit(rule, REHEARSAL, ctx.now(), 1, [])
        ctx.session.flush()
    for person in range((rule.approvals_needed or 1) - len(approvers_of(ctx, rule))):
        approve_rule_version(ctx.acting_as(f"{REHEARSAL} {person}"), **which)  # type: ignore[arg-type]
    return "approve"


def _require_open(version: ContractVersion | RuleVersion) -> None:
    if version.state in ("rejected", "withdrawn"):
        raise WrongState(f"{version.id} is {version.state}; it will not change anything.", state=version.state)
