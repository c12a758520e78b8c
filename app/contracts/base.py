"""What a draft starts from: the version it changes, and what it takes over from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.contracts.attributes import Attributes
from app.contracts.content import said_besides_rules
from app.contracts.drafting import RuleDraft
from app.contracts.repository import is_in_timeline
from app.contracts.vocabulary import contract_history
from app.core.timeline import in_force
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion


def base_in_force(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], start: datetime, as_of: datetime
) -> int | None:
    """Return the version in force at an instant, as it was known at another; None before the first one.

    Where the terms have ended by then, it is the last version that had any.
    """
    spans = contract_history(ctx, contract, versions, as_of).spans
    found = in_force([span for span in spans if not span.version.is_termination], start)
    return None if found is None else found.number


def has_ended(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], at: datetime
) -> ContractVersion | None:
    """Return the termination or expiry that is in force at an instant, as it is known now, or None."""
    found = in_force(contract_history(ctx, contract, versions, ctx.now()).spans, at)
    if found is None or not found.is_termination:
        return None
    return next(version for version in versions if version.number == found.number)


def numbered(versions: Sequence[ContractVersion], number: int | None) -> ContractVersion | None:
    """Return the version of this number, or None."""
    return next((version for version in versions if version.number == number), None)


def attributes_of(version: ContractVersion | None) -> Attributes:
    """Return what a version says besides its rules."""
    return Attributes() if version is None else said_besides_rules(version)


def taken_over(
    source: ContractVersion | None, start: datetime, kinds: Sequence[str], governs: datetime | None = None
) -> list[RuleDraft]:
    """Return the base's rule versions of these kinds: the one in force at the start, and those that follow.

    What is back-dated prospectively starts with those that are in force where it begins to govern.
    """
    governs = start if governs is None else governs
    drafts: list[RuleDraft] = []
    for kind in kinds if source is not None else ():
        assert source is not None
        of_kind = [rule for rule in source.rule_versions if rule.kind == kind and is_in_timeline(rule)]
        of_kind.sort(key=lambda rule: rule.starts_at)
        started = [rule for rule in of_kind if rule.starts_at <= governs]
        later = [rule for rule in of_kind if rule.starts_at > governs]
        # A base that starts later than the draft is taken over from its first rules on.
        chosen = (started or of_kind)[-1:] if started else of_kind[:1]
        rest = later if started else later[1:]
        drafts += [_inherited(rule, max(start, rule.starts_at)) for rule in rest]
        drafts += [_inherited(rule, start) for rule in chosen]
    return drafts


def _inherited(rule: RuleVersion, start: datetime) -> RuleDraft:
    return RuleDraft(rule.kind, start, rule.body, rule.hash, True, rule.lists)  # type: ignore[arg-type]
