"""Which limits drafted payout rules remove or raise, against the rules that are in force at their start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.contracts.base import base_in_force, numbered
from app.contracts.lifecycle import governs_from
from app.contracts.repository import is_in_timeline
from app.contracts.vocabulary import rules_now
from app.rulelang.ast import Body
from app.rulelang.changes import loosened_limits
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion


def loosened_by(
    ctx: Context,
    contract: Contract,
    versions: Sequence[ContractVersion],
    version: ContractVersion,
    drafted: Iterable[RuleVersion],
) -> list[str]:
    """Say which limits payout rules remove or raise. The approval policy may ask for more people then."""
    found: list[str] = []
    for rule in drafted:
        if rule.kind != "payout":  # what is taken over counts too: its base need not be what is in force
            continue
        governs = governs_from(rule.effective_from, rule.backdated or version.backdated, ctx.now())
        before = _before(ctx, contract, versions, rule.kind, governs)
        changes = loosened_limits(before, rules_of_row(ctx, contract, version, rule))
        found += [change.says for change in changes if change.says not in found]
    return found


def _before(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], kind: str, governs: datetime
) -> Body | None:
    """Return the rules of a kind that are in force where drafted ones would start to govern, or None."""
    source = numbered(versions, base_in_force(ctx, contract, versions, governs, ctx.now()))
    if source is None:
        return None
    of_kind = [other for other in source.rule_versions if other.kind == kind and is_in_timeline(other)]
    started = [other for other in of_kind if other.starts_at <= governs] or of_kind
    return rules_of_row(ctx, contract, source, max(started, key=lambda other: other.starts_at)) if started else None


def rules_of_row(ctx: Context, contract: Contract, version: ContractVersion, rule: RuleVersion) -> Body | None:
    """Return what a rule version says, or None where that does not fit the lists and facts as they are now."""
    rules, _ = rules_now(ctx, contract, version, rule)
    return None if rules is None else rules.body
