"""Submit a draft for approval: a contract version with its rules, or one rule version."""

from __future__ import annotations

from app.audit.record import record
from app.contracts import lifecycle
from app.contracts.repository import contract_named, rule_version_numbered, version_numbered
from app.runtime import Context
from app.store.models import ContractVersion, RuleVersion


def submit_version(ctx: Context, *, contract: str, number: int) -> ContractVersion:
    """Submit a contract version together with the rule versions drafted in it."""
    contract_named(ctx.session, contract, lock=True)
    version = version_numbered(ctx.session, contract, number)
    lifecycle.submit(version, ctx.actor, ctx.now())
    for rule in version.rule_versions:
        lifecycle.submit(rule, ctx.actor, ctx.now())
    record(ctx, "contract_version.submitted", version.id, f"{version.id} submitted for approval")
    ctx.session.flush()
    return version


def submit_rule_version(ctx: Context, *, contract: str, number: int, kind: str, rule_number: int) -> RuleVersion:
    """Submit one rule version of a contract version that is approved already."""
    contract_named(ctx.session, contract, lock=True)
    rule = rule_version_numbered(version_numbered(ctx.session, contract, number), kind, rule_number)
    lifecycle.submit(rule, ctx.actor, ctx.now())
    record(ctx, "rule_version.submitted", rule.id, f"{rule.id} submitted for approval")
    ctx.session.flush()
    return rule
