"""What may follow what in the life of a version, and who may do it. Pure: no rows are fetched here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from app.contracts.errors import BackdatingUndeclared, SelfApproval, WrongState
from app.core.instants import write_instant


class Approvable(Protocol):
    """The part of a contract version or rule version that its lifecycle looks at."""

    id: str
    state: str
    effective_from: datetime
    created_by: str
    submitted_by: str | None
    submitted_at: datetime | None
    approved_by: str | None
    recorded_at: datetime | None


def submit(version: Approvable, actor: str, now: datetime) -> None:
    """draft → submitted."""
    _require(version, "draft", "submitted")
    version.state, version.submitted_by, version.submitted_at = "submitted", actor, now


def approve(version: Approvable, actor: str, now: datetime) -> None:
    """submitted → approved, by somebody who neither wrote nor submitted it."""
    _require(version, "submitted", "approved")
    if actor in (version.created_by, version.submitted_by):
        did = "wrote" if actor == version.created_by else "submitted"
        raise SelfApproval(
            f"{actor} {did} {version.id} and so cannot approve it. Ask somebody else with the approver role."
        )
    version.state, version.approved_by, version.recorded_at = "approved", actor, now


def require_declared_backdating(version: Approvable, backdated: str | None, now: datetime) -> None:
    """A start in the past changes what was already decided; whoever wants that has to say so."""
    if version.effective_from < now and backdated is None:
        raise BackdatingUndeclared(
            f"{version.id} starts in the past, at {write_instant(version.effective_from)}. "
            'Draft it with "backdated": "restate" to decide again what happened since.'
        )


def _require(version: Approvable, state: str, wanted: str) -> None:
    if version.state != state:
        raise WrongState(
            f"{version.id} is {version.state}; only a {state} version can be {wanted}.", state=version.state
        )
