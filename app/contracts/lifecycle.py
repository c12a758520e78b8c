"""What may follow what in the life of a version, and who may do it. Pure: no rows are fetched here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from app.contracts.errors import (
    ApprovedAlready,
    BackdatingUndeclared,
    Overtaken,
    ReasonMissing,
    SelfApproval,
    WrongState,
)
from app.core.instants import write_instant
from app.store.models import ContractVersion, RuleVersion


class Approvable(Protocol):
    """The part of a contract version or rule version that its lifecycle looks at."""

    id: str
    state: str
    effective_from: datetime
    in_force_from: datetime | None
    backdated: str | None
    created_by: str
    editors: list[str]
    submitted_by: str | None
    submitted_at: datetime | None
    approvals_needed: int | None
    approvals_because: list[str] | None
    approved_by: str | None
    recorded_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    closed_because: str | None
    retired_at: datetime | None


def require_draft(version: Approvable) -> None:
    """Only a draft is edited: what is submitted stays what it is, so that approvers approve what they have read."""
    _require(version, ("draft",), "edited")


def submit(version: Approvable, actor: str, now: datetime, needed: int, because: Sequence[str]) -> None:
    """draft → submitted, with the number of approvals it needs and why they are so many."""
    _require(version, ("draft",), "submitted")
    version.state, version.submitted_by, version.submitted_at = "submitted", actor, now
    version.approvals_needed, version.approvals_because = needed, list(because)


def require_approver(version: Approvable, actor: str, approvers: Sequence[str]) -> None:
    """Let somebody approve what is submitted who neither wrote nor submitted it, once."""
    _require(version, ("submitted",), "approved")
    refuse_writer(version, actor, "approve it")
    if actor in approvers:
        raise ApprovedAlready(
            f"{actor} has approved {version.id} already. It needs {version.approvals_needed} people; ask another one."
        )


def refuse_writer(version: Approvable, actor: str, wanted: str) -> None:
    """Refuse whoever wrote or submitted a version."""
    if actor in (version.created_by, version.submitted_by, *version.editors):
        did = "wrote" if actor == version.created_by else "edited" if actor in version.editors else "submitted"
        raise SelfApproval(
            f"{actor} {did} {version.id} and so cannot {wanted}. Ask somebody else with the approver role."
        )


def governs_from(effective_from: datetime, backdated: str | None, now: datetime) -> datetime:
    """Return where a version starts to govern if it is approved now: one that is back-dated prospectively governs
    nothing that happened before."""
    return max(effective_from, now) if backdated == "prospective" else effective_from


def approve(version: Approvable, actor: str, now: datetime) -> None:
    """submitted → approved. From now on it is known, and in force from where it governs."""
    version.state, version.approved_by, version.recorded_at = "approved", actor, now
    version.in_force_from = governs_from(version.effective_from, version.backdated, now)


def reject(version: Approvable, actor: str, now: datetime, reason: str | None) -> None:
    """submitted → rejected, with a reason."""
    _require(version, ("submitted",), "rejected")
    if not reason:
        raise ReasonMissing(f"Say why {version.id} is rejected: whoever wrote it has to know what to change.")
    version.state, version.closed_by, version.closed_at, version.closed_because = "rejected", actor, now, reason


def withdraw(version: Approvable, actor: str, now: datetime, reason: str | None) -> None:
    """draft | submitted → withdrawn."""
    _require(version, ("draft", "submitted"), "withdrawn")
    version.state, version.closed_by, version.closed_at, version.closed_because = "withdrawn", actor, now, reason


def refuse_overtaken(versions: Iterable[ContractVersion], now: datetime) -> None:
    """Refuse what began before something that is recorded already: it would change what was known then, and was read
    from what was known before. That happens when two people decide at the same moment."""
    rows: list[ContractVersion | RuleVersion] = []
    for version in versions:
        rows += [version, *version.rule_versions]
    for row in rows:
        last = max((at for at in (row.recorded_at, row.retired_at) if at is not None), default=now)
        if last > now:
            raise Overtaken(f"{row.id} was changed at {write_instant(last)}, while this was on its way. Try it again.")


def require_retirable(version: Approvable, actor: str, reason: str | None) -> None:
    """Let somebody take an approved version back as a mistake who did not write it, with a reason."""
    _require(version, ("approved",), "retired")
    if version.retired_at is not None:
        raise WrongState(f"{version.id} was retired at {write_instant(version.retired_at)} already.", state="retired")
    refuse_writer(version, actor, "retire it")
    if not reason:
        raise ReasonMissing(f"Say why {version.id} is retired: it was approved, and money may have been paid by it.")


def require_declared_backdating(version: Approvable, backdated: str | None, now: datetime) -> None:
    """A start in the past changes what was already decided; whoever wants that has to say so."""
    if version.effective_from < now and backdated is None:
        raise BackdatingUndeclared(
            f"{version.id} starts in the past, at {write_instant(version.effective_from)}. "
            'Draft it with "backdated": "restate" to decide again what happened since, or with "prospective" to leave '
            "that as it is."
        )


def _require(version: Approvable, states: Sequence[str], wanted: str) -> None:
    if version.state not in states:
        may_be = " or ".join(states)
        raise WrongState(
            f"{version.id} is {version.state}; only a {may_be} version can be {wanted}.", state=version.state
        )
