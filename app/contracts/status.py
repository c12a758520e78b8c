"""What a version or contract is at an instant, as it was known at another: computed from dates, never set. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from app.core.timeline import was_known
from app.store.models import ContractVersion, RuleVersion

VERSION_STATUSES = (
    "draft",
    "submitted",
    "rejected",
    "withdrawn",
    "retired",
    "scheduled",
    "in_force",
    "superseded",
    "expired",
    "terminated",
)
CONTRACT_STATUSES = ("draft", "scheduled", "in_force", "expired", "terminated")
ContractStatus = Literal["draft", "scheduled", "in_force", "expired", "terminated"]


def state_at(row: ContractVersion | RuleVersion, as_of: datetime) -> str:
    """Return how far a version had come at an instant."""
    if row.closed_at is not None and row.closed_at <= as_of:
        return row.state
    if row.recorded_at is not None and row.recorded_at <= as_of:
        return "approved"
    if row.submitted_at is not None and row.submitted_at <= as_of:
        return "submitted"
    return "draft"


def version_status(row: ContractVersion, versions: Iterable[ContractVersion], at: datetime, as_of: datetime) -> str:
    """Return one of VERSION_STATUSES: what an approved version is by its dates, else how far it has come."""
    state = state_at(row, as_of)
    if state != "approved":
        return state
    if row.retired_at is not None and row.retired_at <= as_of:
        return "retired"
    if row.starts_at > at:
        return "scheduled"
    later = [version for version in versions if was_known(version, as_of) and row.starts_at < version.starts_at <= at]
    if not later:
        return "in_force"
    ended_by = min(later, key=lambda version: version.starts_at)
    return _END.get(ended_by.kind, "superseded")


def rule_version_status(
    row: RuleVersion, version: ContractVersion, version_is: str, at: datetime, as_of: datetime
) -> str:
    """Return the same of a rule version: it is never more in force than its contract version."""
    state = state_at(row, as_of)
    if state != "approved":
        return state
    if row.retired_at is not None and row.retired_at <= as_of:
        return "retired"
    if version_is != "in_force":
        return version_is
    if row.starts_at > at:
        return "scheduled"
    of_kind = [rule for rule in version.rule_versions if rule.kind == row.kind and was_known(rule, as_of)]
    return "superseded" if any(row.starts_at < rule.starts_at <= at for rule in of_kind) else "in_force"


def contract_status(versions: Sequence[ContractVersion], at: datetime, as_of: datetime) -> ContractStatus:
    """Return what a contract is: a draft while nothing of it is approved, else by what is in force."""
    known = [version for version in versions if was_known(version, as_of)]
    if not known:
        return "draft"
    started = [version for version in known if version.starts_at <= at]
    if not started:
        return "scheduled"
    return _OF_CONTRACT.get(max(started, key=lambda version: version.starts_at).kind, "in_force")


_END = {"expiry": "expired", "termination": "terminated"}
_OF_CONTRACT: dict[str, ContractStatus] = {"expiry": "expired", "termination": "terminated"}
