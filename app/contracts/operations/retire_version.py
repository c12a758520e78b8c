"""Take an approved version back that was approved by mistake: from now on it is as if it had never been approved, and
what was known before is still known to have been so."""

from __future__ import annotations

from collections.abc import Sequence

from app.audit.record import record
from app.contracts import lifecycle
from app.contracts.bundles import bundle_of, refuse_follower
from app.contracts.errors import RetirementRefused
from app.contracts.linked_programs import lock_linked
from app.contracts.operations.approve_version import unsettle_governed
from app.contracts.operations.close_version import _require_sentence
from app.contracts.operations.edit_version import Check
from app.contracts.repository import (
    contract_named,
    is_in_timeline,
    next_start,
    replaced_by,
    retire,
    rule_version_numbered,
    version_numbered,
    versions_of,
)
from app.core.instants import write_instant
from app.runtime import Context
from app.store.models import ContractVersion, RuleVersion


def retire_version(
    ctx: Context, *, contract: str, number: int, reason: str | None = None, check: Check | None = None
) -> ContractVersion:
    """Retire an approved contract version and its bundle. What came before it goes on in its place; what it governed is
    decided again.

    One that took the place of another at the same start is not retired, because that one would not come back: draft a
    version from that base instead, which retires this one.
    """
    _require_sentence(reason)
    row = contract_named(ctx.session, contract, lock=True)
    lock_linked(ctx.session, [row.program_id], joining=row)
    version = version_numbered(ctx.session, contract, number)
    if check is not None:
        check(version)
    lifecycle.require_retirable(version, ctx.actor, reason)
    refuse_follower(version)
    versions = versions_of(ctx.session, contract)
    lifecycle.refuse_overtaken(versions, ctx.now())
    members = [member for member in bundle_of(versions, version) if is_in_timeline(member)]
    _refuse_lost_end(versions, members)
    ends = {member.id: next_start(versions, member) for member in members}
    for member in members:
        lifecycle.refuse_writer(member, ctx.actor, "retire it")
        _refuse_replacement(ctx, member)
        retire(ctx.session, member, ctx.now(), retired_by=ctx.actor, retired_because=reason)
        touched = unsettle_governed(ctx, row, member.starts_at, ends[member.id])
        summary = f"{member.id} retired by {ctx.actor}; {_what_now(versions, members, member)}"
        after = {"conversions_touched": touched}
        record(ctx, "contract_version.retired", member.id, summary, after=after, reason=reason)
    ctx.session.flush()
    return version_numbered(ctx.session, contract, number)


def retire_rule_version(
    ctx: Context,
    *,
    contract: str,
    number: int,
    kind: str,
    rule_number: int,
    reason: str | None = None,
    check: Check | None = None,
) -> RuleVersion:
    """Retire an approved rule version. The one before it goes on; the first of its kind has none and stays."""
    _require_sentence(reason)
    row = contract_named(ctx.session, contract, lock=True)
    lock_linked(ctx.session, [row.program_id], joining=row)
    version = version_numbered(ctx.session, contract, number)
    rule = rule_version_numbered(version, kind, rule_number)
    if check is not None:
        check(version)
    lifecycle.require_retirable(rule, ctx.actor, reason)
    lifecycle.refuse_overtaken(versions_of(ctx.session, contract), ctx.now())
    _refuse_replacement(ctx, rule)
    of_kind = [other for other in version.rule_versions if other.kind == kind and is_in_timeline(other)]
    if not any(other.starts_at < rule.starts_at for other in of_kind):
        raise RetirementRefused(
            f"{rule.id} is the first of its kind in {version.id}: without it there would be a time without {kind} rules. "
            "Add another rule version with the same start, which retires it."
        )
    later = [other.starts_at for other in of_kind if other.starts_at > rule.starts_at]
    end = min(later, default=next_start(versions_of(ctx.session, contract), version))
    retire(ctx.session, rule, ctx.now(), retired_by=ctx.actor, retired_because=reason)
    touched = unsettle_governed(ctx, row, rule.starts_at, end)
    summary = f"{rule.id} retired by {ctx.actor}; the {kind} rules before it go on"
    record(ctx, "rule_version.retired", rule.id, summary, after={"conversions_touched": touched}, reason=reason)
    ctx.session.flush()
    refreshed = version_numbered(ctx.session, contract, number)
    return rule_version_numbered(refreshed, kind, rule_number)


def _refuse_replacement(ctx: Context, version: ContractVersion | RuleVersion) -> None:
    former = replaced_by(ctx.session, version.id)
    if former is not None:
        raise RetirementRefused(
            f"{version.id} took the place of {former}, which would not come back. Draft what {former} said with the "
            "same start and have that approved: it retires this one."
        )


def _refuse_lost_end(versions: Sequence[ContractVersion], members: Sequence[ContractVersion]) -> None:
    """Refuse to take away the end of what stays: of an amendment inside a term or a promotion, whose end it took over,
    or of a promotion that ends where another version starts. It would go on for ever."""
    starts = [member.starts_at for member in members]
    staying = [version for version in versions if is_in_timeline(version) and version not in members]
    inside = [version for version in staying if min(starts) < version.starts_at < max(starts)]
    if inside:
        raise RetirementRefused(
            f"{inside[-1].id} starts inside {members[0].id}, and ends with it at {write_instant(max(starts))}. Retire "
            f"{inside[-1].id} first."
        )
    before = [version for version in staying if version.starts_at < min(starts)]
    former = max(before, key=lambda version: version.starts_at, default=None)
    if former is None or former.kind != "promotion":
        return
    if not any(version.kind == "restoration" and version.bundle == former.bundle for version in staying):
        raise RetirementRefused(
            f"{members[0].id} ends the promotion {former.id}, which has no end of its own and would go on. Retire "
            f"{former.id} first, or have another version approved with the same start, which retires this one."
        )


def _what_now(versions: Sequence[ContractVersion], members: Sequence[ContractVersion], version: ContractVersion) -> str:
    """Say what is in force now from the start of a version that is gone, so that no gap comes about unsaid."""
    others = [other for other in versions if is_in_timeline(other) and other not in members]
    before = [other for other in others if other.starts_at < version.starts_at]
    since = write_instant(version.starts_at)
    if not before:
        return f"from {since} there are no terms until another version starts"
    former = max(before, key=lambda other: other.starts_at)
    if former.is_termination:
        return f"from {since} there are no terms: {former.id} has ended them"
    return f"from {since} {former.id} goes on"
