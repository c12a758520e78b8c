"""Approve a submitted version: from this instant on it is known, and in force from its start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from app.audit.record import record
from app.contracts import lifecycle
from app.contracts.base import base_in_force, numbered, taken_over
from app.contracts.bundles import bundle_of
from app.contracts.drafting import RuleDraft, outside_span
from app.contracts.errors import BackdatingUndeclared, BaseChanged, OutsideContractVersion, VersionRefused, WrongState
from app.contracts.linked_programs import lock_linked
from app.contracts.operations.check_version import checked_rules, conditions_of_rules, refuse_flawed
from app.contracts.operations.draft_rule_version import delivery_misfits
from app.contracts.operations.edit_version import Check
from app.contracts.operations.submit_version import policy_of
from app.contracts.repository import (
    approvals_of,
    contract_named,
    is_in_timeline,
    next_start,
    retire,
    rule_version_numbered,
    unsettle,
    version_numbered,
    versions_of,
)
from app.contracts.vocabulary import EVERYTHING, contract_history
from app.core.instants import write_instant
from app.rulelang.bindings import lists_named
from app.rulesets.newest import newest_lists
from app.runtime import Context
from app.store.models import Approval, Contract, ContractVersion, RuleVersion

EVER = datetime.max.replace(tzinfo=UTC)


def approve_version(
    ctx: Context, *, contract: str, number: int, reason: str | None = None, check: Check | None = None
) -> ContractVersion:
    """Approve a contract version with its rules and its bundle. With the last approval it needs it is known, and in
    force from its start; one that starts at the same instant is retired by it.

    Conversions it governs are marked to be decided again. Refuses whoever wrote, edited or submitted it, and a start in
    the past that was not declared.
    """
    row = contract_named(ctx.session, contract, lock=True)
    lock_linked(ctx.session, [row.program_id], joining=row)
    version = version_numbered(ctx.session, contract, number)
    if check is not None:
        check(version)
    versions = versions_of(ctx.session, contract)
    members = bundle_of(versions, version)
    others = [other for other in versions if other not in members]
    # What was approved and retired has a past as well: something was decided under it.
    is_first = not any(other.recorded_at is not None for other in others)
    lifecycle.refuse_overtaken(versions, ctx.now())
    for member in members:
        given = approvers_of(ctx, member)
        lifecycle.require_approver(member, ctx.actor, given)
        _refuse_changed_end(ctx, member, others)
        _refuse_earlier_end(ctx, member, members, others)
        _refuse_changed_base(ctx, row, member, others)
        if not is_first:
            lifecycle.require_declared_backdating(member, member.backdated, ctx.now())
            _refuse_late(ctx, row, member)
        _note_approval(ctx, member, given, reason)
    if len(given) + 1 >= (version.approvals_needed or 1):
        for member in members:
            put_in_force(ctx, row, versions, member)
    return version


def put_in_force(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], version: ContractVersion
) -> None:
    """Let a version that has its approvals be known from now on, and have what it governs decided again."""
    lifecycle.approve(version, ctx.actor, ctx.now())
    _retire_twin(ctx, [other for other in versions if other.id != version.id], version)
    ctx.session.flush()
    for rule in version.rule_versions:
        _pin_lists(ctx, contract, version, rule)
        lifecycle.approve(rule, ctx.actor, ctx.now())
    ctx.session.flush()
    touched = unsettle_governed(ctx, contract, version.starts_at, next_start(versions, version))
    _record_approval(ctx, "contract_version.approved", version, version.content_hash, touched)


def approve_rule_version(
    ctx: Context,
    *,
    contract: str,
    number: int,
    kind: str,
    rule_number: int,
    reason: str | None = None,
    check: Check | None = None,
) -> RuleVersion:
    """Approve one rule version inside an approved contract version."""
    row = contract_named(ctx.session, contract, lock=True)
    lock_linked(ctx.session, [row.program_id], joining=row)
    version = version_numbered(ctx.session, contract, number)
    rule = rule_version_numbered(version, kind, rule_number)
    if check is not None:
        check(version)
    if not is_in_timeline(version):
        raise WrongState(f"{version.id} is not in force any more, so nothing can be added to it.", state=version.state)
    versions = versions_of(ctx.session, contract)
    lifecycle.refuse_overtaken(versions, ctx.now())
    end = next_start(versions, version)
    for start in (rule.effective_from, lifecycle.governs_from(rule.effective_from, rule.backdated, ctx.now())):
        outside = outside_span(start, version.starts_at, end, "/effective_from")
        if outside is not None:
            raise OutsideContractVersion(outside.message, [outside])
    given = approvers_of(ctx, rule)
    lifecycle.require_approver(rule, ctx.actor, given)
    lifecycle.require_declared_backdating(rule, rule.backdated, ctx.now())
    _refuse_misfit(version, rule)
    _refuse_late(ctx, row, rule)
    _note_approval(ctx, rule, given, reason)
    if len(given) + 1 >= (rule.approvals_needed or 1):
        put_rules_in_force(ctx, row, version, rule, end)
    return rule


def _refuse_misfit(version: ContractVersion, rule: RuleVersion) -> None:
    """The version's other payout may have changed since this one was drafted and checked beside it."""
    defects = delivery_misfits(version, rule.kind, rule.body)
    if defects:
        raise VersionRefused(f"{rule.id} does not fit the version as it is now. {defects[0].message}", defects)


def put_rules_in_force(
    ctx: Context, contract: Contract, version: ContractVersion, rule: RuleVersion, end: datetime | None
) -> None:
    """Let a rule version that has its approvals be known from now on, and have what it governs decided again."""
    _pin_lists(ctx, contract, version, rule)
    lifecycle.approve(rule, ctx.actor, ctx.now())
    others = [other for other in version.rule_versions if other.kind == rule.kind and other.id != rule.id]
    _retire_twin(ctx, others, rule)
    ctx.session.flush()
    starts = [other.starts_at for other in others if is_in_timeline(other)]
    until = min((start for start in starts if start > rule.starts_at), default=end)
    touched = unsettle_governed(ctx, contract, rule.starts_at, until)
    _record_approval(ctx, "rule_version.approved", rule, rule.hash, touched)


def approvers_of(ctx: Context, version: ContractVersion | RuleVersion) -> list[str]:
    """Return who has approved a version so far."""
    return [approval.approver for approval in approvals_of(ctx.session, [version.id], EVER)]


def _note_approval(
    ctx: Context, version: ContractVersion | RuleVersion, given: Sequence[str], reason: str | None
) -> None:
    """Keep one person's approval of what a version says."""
    is_contract_version = isinstance(version, ContractVersion)
    content = version.content_hash if isinstance(version, ContractVersion) else version.hash
    ctx.session.add(
        Approval(
            id=f"{version.id}/approval/{len(given) + 1}",
            contract_version_id=version.id if is_contract_version else None,
            rule_version_id=None if is_contract_version else version.id,
            approver=ctx.actor,
            content_hash=content,
            reason=reason,
            approved_at=ctx.now(),
        )
    )
    count, needed = len(given) + 1, version.approvals_needed or 1
    summary = f"{version.id}: approval {count} of {needed}, by {ctx.actor}"
    record(ctx, "approval.given", version.id, summary, after={"content_hash": content}, reason=reason)
    ctx.session.flush()


def _pin_lists(ctx: Context, contract: Contract, version: ContractVersion, rule: RuleVersion) -> None:
    """Tie rules to the newest versions of the lists they name; those that were taken over, or that say which versions
    they mean, keep what they had.

    A list may have changed since the submission, so what was checked and tried out then is checked and tried once more.
    """
    if rule.is_inherited:
        return
    rule.lists = {**newest_lists(ctx.session, [rule.body]).pins, **rule.lists}
    if not lists_named(rule.body):
        return
    rules, findings = checked_rules(ctx, contract, version, rule)
    if rules is None:
        defects = [analysed.finding for analysed in findings]
        raise VersionRefused(f"{rule.id} does not fit the lists as they are now. {defects[0].message}", defects)
    refuse_flawed(rule, findings, "approved")
    ctx.trial([conditions_of_rules(rules)])


def unsettle_governed(ctx: Context, contract: Contract, start: datetime, end: datetime | None) -> int:
    """Have the conversions that a version governs decided again, to the end of the windows in which it ends: a tier
    counter that it ends or lets carry on changes what counts for the rest of them."""
    history = contract_history(ctx, contract, versions_of(ctx.session, contract.id), EVERYTHING)
    return unsettle(ctx.session, contract, start, None if end is None else history.last_window_end(end))


def _refuse_changed_end(ctx: Context, version: ContractVersion, others: Sequence[ContractVersion]) -> None:
    """The end of a term or of a promotion takes nobody's place but that of another such end, and does not begin before
    what it ends."""
    if version.kind not in ("expiry", "restoration"):
        return
    start = write_instant(version.effective_from)
    twin = next(
        (other for other in others if is_in_timeline(other) and other.starts_at == version.effective_from), None
    )
    if twin is not None and twin.kind != version.kind:
        raise BaseChanged(
            f"{twin.id}, which was approved meanwhile, starts at {start} as well, and {version.id} would take its "
            f"place. Edit or draft what {version.id} ends again."
        )
    if version.backdated == "prospective" and version.effective_from <= ctx.now():
        raise BaseChanged(f"{version.id} ends at {start} what would begin only now. Draft it again, with a later end.")


def _refuse_late(ctx: Context, contract: Contract, version: ContractVersion | RuleVersion) -> None:
    """What was submitted before its start and is approved after it needs the people that the past needs."""
    submitted_at, start = version.submitted_at, version.effective_from
    if submitted_at is None or not submitted_at <= start < ctx.now():
        return
    needed = policy_of(ctx, contract).get("backdated", 1)
    if needed > (version.approvals_needed or 1):
        raise BackdatingUndeclared(
            f"{version.id} was submitted before its start at {write_instant(start)}, which has passed. In the past it "
            f"needs {needed} approvals. Withdraw it, and draft and submit it again."
        )


def _refuse_earlier_end(
    ctx: Context, version: ContractVersion, members: Sequence[ContractVersion], others: Sequence[ContractVersion]
) -> None:
    """A term does not end, unsaid, where another one that was approved meanwhile ends."""
    term = numbered(members, version.base_number)
    if version.kind != "expiry" or term is None:
        return
    start = lifecycle.governs_from(term.effective_from, term.backdated, ctx.now())
    ends = [other for other in others if is_in_timeline(other) and other.kind == "expiry"]
    earlier = [other for other in ends if start < other.starts_at < version.effective_from]
    if earlier:
        raise BaseChanged(
            f"The term of {term.id} would end at {write_instant(earlier[0].starts_at)} already: {earlier[0].id} was "
            "approved meanwhile. Draft it again, with an end by then, or as a renewal that starts then."
        )


def _refuse_changed_base(
    ctx: Context, contract: Contract, version: ContractVersion, others: Sequence[ContractVersion]
) -> None:
    """What a draft took over is still what is in force at its start; else it would bring old rules and values back."""
    inherited = [rule for rule in version.rule_versions if rule.is_inherited]
    kinds = sorted({rule.kind for rule in inherited})
    base, governs = version.base_number, lifecycle.governs_from(version.effective_from, version.backdated, ctx.now())
    if not version.is_base_named:
        base = base_in_force(ctx, contract, others, governs, ctx.now())
    now = taken_over(numbered(others, base), version.effective_from, kinds, governs)
    drafted = [_as_taken_over(rule, rule.lists) for rule in inherited]
    if sorted(drafted) != sorted(_as_taken_over(draft, draft.pins) for draft in now):
        raise BaseChanged(
            f"{version.id} took over {' and '.join(kinds)} rules that have changed since it was drafted. "
            "Draft it again, so that it takes over what is in force now."
        )
    changed = _params_changed(version, base, {other.number: other.params for other in others})
    if changed:
        raise BaseChanged(
            f"{version.id} has the parameters {' and '.join(changed)} as they were when it was drafted; they have "
            "changed since. Draft it again, so that it takes over what is in force now."
        )
    agreed = {other.number: other.settlement for other in others}
    before, now_agreed = agreed.get(version.base_number or 0), agreed.get(base or 0)
    took_over = not version.is_termination and _same(version.settlement, before)
    if took_over and not _same(before, now_agreed):
        raise BaseChanged(
            f"{version.id} took over settlement terms that have changed since it was drafted. "
            "Draft it again, so that it takes over what is in force now."
        )


def _as_taken_over(rule: RuleVersion | RuleDraft, pins: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes two rules that are taken over the same: their start, what they say, and their lists."""
    return rule.kind, rule.effective_from, rule.hash, sorted((name, pin["version"]) for name, pin in pins.items())


def _params_changed(version: ContractVersion, base: int | None, params: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Return the parameters of which a draft has the value of its base, while the base of now has another one."""
    before, now = params.get(version.base_number or 0, {}), params.get(base or 0, {})
    taken = [name for name, value in version.params.items() if _same(before.get(name), value)]
    return [name for name in sorted(taken) if not _same(before.get(name), now.get(name))]


def _same(one: Any, two: Any) -> bool:
    """Tell whether two values of a parameter are the same JSON: true is not 1."""
    return orjson.dumps(one) == orjson.dumps(two)


def _retire_twin(
    ctx: Context, others: Sequence[ContractVersion | RuleVersion], version: ContractVersion | RuleVersion
) -> None:
    """Two starts at one instant cannot both be in force: the later approval retires the earlier one."""
    for other in others:
        if is_in_timeline(other) and other.starts_at == version.starts_at:
            if other.recorded_at is not None and other.recorded_at > ctx.now():
                since = write_instant(other.recorded_at)
                raise WrongState(f"{other.id}, which {version.id} would retire, is approved only since {since}.")
            retire(ctx.session, other, ctx.now(), retired_by=ctx.actor, replaced_by=version.id)
            summary = f"{other.id} retired: {version.id} takes its place"
            record(ctx, "version.retired", other.id, summary, after={"replaced_by": version.id})


def _record_approval(
    ctx: Context, action: str, version: ContractVersion | RuleVersion, content: str, touched: int
) -> None:
    start = write_instant(version.starts_at)
    summary = f"{version.id} approved by {ctx.actor}, in force from {start}; {touched} conversions to decide again"
    after = {"effective_from": start, "content_hash": content, "conversions_touched": touched}
    record(ctx, action, version.id, summary, after=after)
    ctx.session.flush()
