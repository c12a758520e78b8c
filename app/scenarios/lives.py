"""What has become of a scenario's contracts by its end: their versions, their gaps, and what is due for renewal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.contracts.describe import renewal_data, timeline_data, version_data
from app.contracts.known import known_versions
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.renewals_due import renewals_due
from app.runtime import Context


def lives(ctx: Context, contracts: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return versions by `contract/number`, contracts and renewals that are due by contract, as they are by now."""
    found: dict[str, dict[str, dict[str, Any]]] = {"versions": {}, "contracts": {}, "renewals": {}}
    for contract in contracts:
        for known in known_versions(ctx, contract, ctx.now()):
            found["versions"][known.row.id] = version_data(known)
        timeline = timeline_data(get_terms(ctx, contract=contract))
        found["contracts"][contract] = {"status": timeline["status"], "gaps": timeline["gaps"]}
    for due in renewals_due(ctx):
        found["renewals"][due.contract.id] = renewal_data(due)
    return found
