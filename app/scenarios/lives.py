"""What has become of a scenario's contracts and conversions: versions, gaps, what is due for renewal; and where a
conversion is in its life."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.contracts.describe import renewal_data, timeline_data, version_data
from app.contracts.known import known_versions
from app.contracts.operations.get_terms import get_terms
from app.contracts.operations.renewals_due import renewals_due
from app.conversions.errors import ConversionNotFound
from app.conversions.life import life_data
from app.conversions.operations.get_conversion import get_conversion
from app.runtime import Context
from app.scenarios.outcome import decision_summary

LIFE = {"state", "held_until", "locks_at"}


def lived(
    ctx: Context, program: str | None, conversion: str, contract: str | None = None, as_of: str | None = None
) -> dict[str, Any] | None:
    """Return a decision on a conversion in short with the life it has under it, as of an instant: that of a contract (or
    partner, where there is none), or the one that leads. None where there is no such conversion or decision."""
    try:
        found = get_conversion(ctx, program=str(program), conversion=conversion, as_of=as_of)
    except ConversionNotFound:
        return None
    if not found.decisions and contract is None:
        return {"outcome": None, "amount": None, "reasons": [], "state": "received"} | dict.fromkeys(LIFE - {"state"})
    for decision, life in zip(found.decisions, found.lives, strict=True):
        if contract is None or contract == (decision.contract_id or decision.partner):
            data = life_data(life)
            return {**decision_summary(decision.record), **{key: data[key] for key in LIFE}}
    return None


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
