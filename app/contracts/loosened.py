"""Which limits drafted payout rules remove or raise, against the rules that are in force at their start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.contracts.base import base_in_force, numbered, taken_over
from app.contracts.lifecycle import governs_from
from app.core.money import parse_decimal
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion


def loosened_by(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], drafted: Iterable[RuleVersion]
) -> list[str]:
    """Return the limits, by name, that payout rules remove or raise. A later approval policy asks for more people then."""
    found: list[str] = []
    for rule in drafted:
        if rule.kind != "payout" or rule.is_inherited:
            continue
        backdated = rule.backdated or next(v.backdated for v in versions if v.id == rule.contract_version_id)
        governs = governs_from(rule.effective_from, backdated, ctx.now())
        number = base_in_force(ctx, contract, versions, governs, ctx.now())
        before = taken_over(numbered(versions, number), governs, ["payout"])
        first = min(before, key=lambda draft: draft.effective_from, default=None)
        if first is not None:
            found += [name for name in loosened_limits(first.body, rule.body) if name not in found]
    return found


def loosened_limits(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the ids of limits that are gone, or whose maximum is higher."""
    kept = {limit.get("id"): limit for limit in after.get("limits", ())}
    return [
        f"the limit {limit['id']}"
        for limit in before.get("limits", ())
        if limit["id"] not in kept
        or _most(kept[limit["id"]]) > _most(limit)
        or _shape(kept[limit["id"]]) != _shape(limit)
    ]


def _most(limit: dict[str, Any]) -> Any:
    return parse_decimal(str(limit["max"])) or 0


def _shape(limit: dict[str, Any]) -> tuple[Any, ...]:
    """What a limit counts; a limit that counts something else does not hold what the other one held."""
    return limit.get("measure"), limit.get("per"), limit.get("window")
