"""Set how many people have to approve what, in one program, from now on."""

from __future__ import annotations

from typing import Any

from app.audit.record import record
from app.contracts.approval_policy import read_policy
from app.contracts.errors import PolicyRefused
from app.contracts.repository import policies_of
from app.partners.repository import program_named
from app.runtime import Context
from app.store.models import ApprovalPolicy


def set_approval_policy(ctx: Context, *, program: str, policy: Any, reason: str | None = None) -> ApprovalPolicy:
    """Write the next version of a program's policy. What is submitted already needs what it needed then."""
    program_named(ctx.session, program, lock=True)
    read, findings = read_policy(policy)
    if findings:
        raise PolicyRefused(f"The policy is refused. {findings[0].pointer or '/'}: {findings[0].message}", findings)
    former = policies_of(ctx.session, program)
    row = ApprovalPolicy(
        program_id=program, number=len(former) + 1, policy=read, created_by=ctx.actor, created_at=ctx.now()
    )
    ctx.session.add(row)
    before = former[-1].policy if former else None
    summary = f"Approval policy {row.number} of {program} set by {ctx.actor}"
    record(ctx, "approval_policy.set", program, summary, before=before, after=read, reason=reason)
    ctx.session.flush()
    return row
