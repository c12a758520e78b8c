"""Submit a draft for approval: a contract version with its rules and what belongs to it, or one rule version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from app.analysis.questions import Budget
from app.audit.record import record
from app.contracts import lifecycle
from app.contracts.approval_policy import DEFAULT, Change, approvals_needed
from app.contracts.base import base_in_force, numbered
from app.contracts.bundles import bundle_of, refuse_part
from app.contracts.loosened import loosened_by
from app.contracts.operations.check_version import checked_rules, conditions_of_rules, refuse_flawed
from app.contracts.operations.edit_version import Check
from app.contracts.repository import (
    contract_named,
    policies_of,
    rule_version_numbered,
    version_numbered,
    versions_of,
)
from app.rulelang.ruleset import RuleSet
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion


def submit_version(
    ctx: Context, *, contract: str, number: int, reason: str | None = None, check: Check | None = None
) -> ContractVersion:
    """Submit a contract version together with the rule versions drafted in it, and with its bundle."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    if check is not None:
        check(version)
    versions = versions_of(ctx.session, contract)
    members = bundle_of(versions, version)
    for member in members:
        if member.state == "draft":
            _try_out(ctx, row, member, member.rule_versions)
    needed, because = _approvals_of(ctx, row, versions, members)
    for member in members:
        lifecycle.submit(member, ctx.actor, ctx.now(), needed, because)
        for rule in member.rule_versions:
            lifecycle.submit(rule, ctx.actor, ctx.now(), needed, because)
        _record_submission(ctx, "contract_version.submitted", member, needed, because, reason)
    return version


def submit_rule_version(
    ctx: Context,
    *,
    contract: str,
    number: int,
    kind: str,
    rule_number: int,
    reason: str | None = None,
    check: Check | None = None,
) -> RuleVersion:
    """Submit one rule version of a contract version that is approved already."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    rule = rule_version_numbered(version, kind, rule_number)
    if check is not None:
        check(version)
    refuse_part(version, rule)
    if rule.state == "draft":
        _try_out(ctx, row, version, [rule])
    loosened = loosened_by(ctx, row, versions_of(ctx.session, contract), version, [rule])
    change = Change(version.value, rule.effective_from < ctx.now(), loosened)
    needed, because = approvals_needed(policy_of(ctx, row), change)
    lifecycle.submit(rule, ctx.actor, ctx.now(), needed, because)
    _record_submission(ctx, "rule_version.submitted", rule, needed, because, reason)
    return rule


def _approvals_of(
    ctx: Context, contract: Contract, versions: Sequence[ContractVersion], members: Sequence[ContractVersion]
) -> tuple[int, list[str]]:
    """Return how many approvals a bundle needs and why: as many as the member that needs most."""
    policy = policy_of(ctx, contract)
    others = [version for version in versions if version not in members]
    has_past = any(version.recorded_at is not None for version in others)
    needs: tuple[int, list[str]] = (0, [])
    for member in members:
        loosened = loosened_by(ctx, contract, versions, member, member.rule_versions)
        is_backdated = has_past and member.effective_from < ctx.now()
        value = _value_at_stake(ctx, contract, others, member)
        needs = max(needs, approvals_needed(policy, Change(value, is_backdated, loosened)))
    return needs


def _value_at_stake(
    ctx: Context, contract: Contract, others: Sequence[ContractVersion], member: ContractVersion
) -> Decimal | None:
    """Return the higher of the values that a contract would have and has where a version starts: neither a draft that
    lowers it nor one that ends the terms needs fewer people for that."""
    governs = lifecycle.governs_from(member.effective_from, member.backdated, ctx.now())
    base = numbered(others, base_in_force(ctx, contract, others, governs, ctx.now()))
    values = [version.value for version in (member, base) if version is not None and version.value is not None]
    return max(values, default=None)


def policy_of(ctx: Context, contract: Contract) -> dict[str, Any]:
    """Return how many people have to approve what now."""
    policies = policies_of(ctx.session, contract.program_id)
    return policies[-1].policy if policies else DEFAULT


def _record_submission(
    ctx: Context,
    action: str,
    version: ContractVersion | RuleVersion,
    needed: int,
    because: Sequence[str],
    reason: str | None,
) -> None:
    after = {"approvals_needed": needed, "because": list(because)}
    people = "1 approval" if needed == 1 else f"{needed} approvals"
    record(ctx, action, version.id, f"{version.id} submitted; it needs {people}", after=after, reason=reason)
    ctx.session.flush()


def _try_out(ctx: Context, contract: Contract, version: ContractVersion, drafted: Iterable[RuleVersion]) -> None:
    """Refuse rules that are proved to be flawed, and have the engine run them where it can do no harm, before anybody can
    approve them."""
    conditions, budget = [], Budget()
    for rule in drafted:
        rules, findings = checked_rules(ctx, contract, version, rule, budget)
        if rules is None or not _was_approved_so(rule, rules):
            refuse_flawed(rule, findings)
        assert rules is not None  # what cannot be read is refused
        conditions.append(conditions_of_rules(rules))
    ctx.trial(conditions)


def _was_approved_so(rule: RuleVersion, rules: RuleSet) -> bool:
    """Tell whether rules are in force already, as they are: a new version of others need not mend them."""
    return rule.is_inherited and not any(source.kind == "param" for source in rules.sources)
