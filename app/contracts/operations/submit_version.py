"""Submit a draft for approval: a contract version with its rules, or one rule version."""

from __future__ import annotations

from collections.abc import Iterable

from app.analysis.questions import Budget
from app.audit.record import record
from app.contracts import lifecycle
from app.contracts.operations.check_version import checked_rules, conditions_of_rules, refuse_flawed
from app.contracts.repository import contract_named, rule_version_numbered, version_numbered
from app.rulelang.ruleset import RuleSet
from app.runtime import Context
from app.store.models import Contract, ContractVersion, RuleVersion


def submit_version(ctx: Context, *, contract: str, number: int) -> ContractVersion:
    """Submit a contract version together with the rule versions drafted in it."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    if version.state == "draft":
        _try_out(ctx, row, version, version.rule_versions)
    lifecycle.submit(version, ctx.actor, ctx.now())
    for rule in version.rule_versions:
        lifecycle.submit(rule, ctx.actor, ctx.now())
    record(ctx, "contract_version.submitted", version.id, f"{version.id} submitted for approval")
    ctx.session.flush()
    return version


def submit_rule_version(ctx: Context, *, contract: str, number: int, kind: str, rule_number: int) -> RuleVersion:
    """Submit one rule version of a contract version that is approved already."""
    row = contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    rule = rule_version_numbered(version, kind, rule_number)
    if rule.state == "draft":
        _try_out(ctx, row, version, [rule])
    lifecycle.submit(rule, ctx.actor, ctx.now())
    record(ctx, "rule_version.submitted", rule.id, f"{rule.id} submitted for approval")
    ctx.session.flush()
    return rule


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
