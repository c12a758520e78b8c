"""Submit a draft for approval: a contract version with its rules, or one rule version."""

from __future__ import annotations

from collections.abc import Iterable

from app.audit.record import record
from app.contracts import lifecycle
from app.contracts.repository import contract_named, rule_version_numbered, version_numbered
from app.contracts.vocabulary import rules_now
from app.engine.matcher import RuleConditions
from app.rulelang.ast import conditions_of
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
    """Have the engine run the rules where it can do no harm, before anybody can approve them.

    Rules that a list has come to not fit are left to the approval, which reads the lists once more and refuses them.
    """
    rules = [rules_now(ctx, contract, version, rule) for rule in drafted]
    ctx.trial([RuleConditions(each.key, tuple(conditions_of(each.body))) for each in rules if each is not None])
